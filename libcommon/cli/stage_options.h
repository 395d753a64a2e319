/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the shared options to a stage's configuration, and the hooks by which a stage shows progress and says things:
 * what every processing tool does between its options and stage_run.
 */
#ifndef LEAT_CLI_STAGE_OPTIONS_H
#define LEAT_CLI_STAGE_OPTIONS_H

#include "cli/common.h"
#include "cli/progress.h"
#include "stream/stage.h"

int input_config(const struct input_options *o, struct text_in_config *ret, struct err *e) NODISCARD;
int output_config(const struct output_options *o, struct output_config *ret, struct err *e) NODISCARD;
void error_config(const struct error_options *o, struct stage_config *c);

/* Sets tool, args and files, and the hooks with `p` as their context. argv is the tool's whole command line. */
void stage_config_common(struct stage_config *c, const char *tool, int argc, char **argv, const struct arguments *args,
                         struct progress *p);

/* Give up everything but the log (NULL: none), the input files (with `follow` their folders, where others may appear)
 * and the folder of the output file (NULL: none). Call it when all else is open. */
void tool_sandbox(const char *log_path, const char *const *files, size_t count, bool follow, const char *output);
/* The same for what a stage reads and writes. */
void stage_sandbox(const struct stage_config *c, const char *log_path);

/* Print the error, if there is one, and return the exit code. A stop by signal ends the process by that signal. */
int stage_exit(int grade, const struct err *e);

/* The size of all input files together, for percent and ETA; 0 when one of them has no size. */
uint64_t input_bytes(const char *const *files, size_t count);

#endif
