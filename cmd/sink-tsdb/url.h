/* SPDX-License-Identifier: Apache-2.0 */
/* What only main needs of url.c: secrets out of arguments, and credentials from elsewhere. sink.h has the rest. */
#ifndef LEAT_CMD_SINK_TSDB_URL_H
#define LEAT_CMD_SINK_TSDB_URL_H

#include "sink.h"

/* Overwrites passwords and tokens in an argument that is a URL with them. NULL: there were none; else a copy of what
 * it was, for url_parse, to be wiped and freed. */
char *url_conceal(char *argument);

/* What the URL itself does not say, from --credentials (NULL: none), then from the environment. */
int url_credentials(struct url *u, const char *file, struct err *e) NODISCARD;

#endif
