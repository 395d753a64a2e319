/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a topic as JSON, for topic.json: an object of strings, in the form that topic_setting_parse reads. */
#ifndef LEAT_LOG_SETTINGS_H
#define LEAT_LOG_SETTINGS_H

#include <jansson.h>

#include "log/topic.h"

json_t *topic_settings_to_json(const struct topic_settings *s); /* NULL: out of memory */
int topic_settings_from_json(const json_t *o, struct topic_settings *ret, struct err *e) NODISCARD;

#endif
