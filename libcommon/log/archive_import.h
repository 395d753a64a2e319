/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an import does with a partition once its files are there, before anybody else sees them: hold them against the
 * log's rules and the manifest, and give them another identity. leat-archive(5), section "Import". `t` is the topic
 * that is being built, in its folder aside. Called by archive_import.c only.
 */
#ifndef LEAT_LOG_ARCHIVE_IMPORT_H
#define LEAT_LOG_ARCHIVE_IMPORT_H

#include "log/archive_manifest.h"
#include "log/survey.h"
#include "sys/behind.h"

/* Every byte is checked as `topic verify` does it, but those of segments that were `seen`, and every number of the
 * manifest. G_CORRUPT with the entry's name. */
int import_check(struct topic *t, uint32_t partition, const struct manifest *m, struct survey_seen *seen,
                 struct err *e) NODISCARD;

/* The same records in segments of the identity `id`, which are written by `b`: wait for it. */
int import_identify(struct topic *t, uint32_t partition, uint64_t id, const struct manifest_partition *p,
                    struct behind *b, struct err *e) NODISCARD;

#endif
