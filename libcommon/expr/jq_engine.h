/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other engine: programs that the native plan does not cover run in jq's own library, libjq. It is loaded when the
 * first such program is opened and stays loaded, so that programs without one do not pay for it; open before the
 * sandbox is entered.
 *
 * What differs from the command jq: nothing is read beside the record (`input`, `inputs` raise an error) and nothing
 * is printed (`debug` and its kin are silent); `halt` and `halt_error` end the run with an error that `try` does not
 * catch; input_filename is null. Definitions in ~/.jq are seen, as by the command.
 *
 * What libjq 1.6 brings along: numbers are doubles of 17 digits; records nested deeper than 256 are refused, as are
 * such results; it aborts the process when the machine has no memory, has no limit on the memory or the time of one
 * record, and cannot be stopped in the middle of one.
 *
 * An engine runs for one thread at a time: others wait. `emit` must not run it again.
 */
#ifndef LEAT_EXPR_JQ_ENGINE_H
#define LEAT_EXPR_JQ_ENGINE_H

#include <stdbool.h>

#include "base/err.h"
#include "json/text.h"

struct jq_engine;

/* Can libjq be loaded? Loads it. */
bool jq_engine_is_there(void);

/* G_USAGE with jq's own reason on one line, without its dump of the program; G_ABSENT when libjq is not installed. */
int jq_engine_open(const char *program, struct jq_engine **ret, struct err *e) NODISCARD;
void jq_engine_free(struct jq_engine *j); /* takes NULL */

/* $key, $time, $topic, $partition, $offset, $headers of the record: JSON texts, n = 0 for null. */
struct jq_vars {
    struct json_slice key, time, topic, partition, offset, headers;
};

/* Does the program mention one of them? If not, jq_engine_run does not look at its `vars`. */
bool jq_engine_reads_vars(const struct jq_engine *j);

/* A result as compact JSON text, ended by a NUL; valid during the call. Any return but 0 ends the run. */
typedef int jq_emit(void *ctx, const char *json, size_t n);

/*
 * Run it on one JSON text. 0; G_DATA: the text is no JSON for jq, or the program raised an error, with jq's message
 * ("(not a string): {…}" for other values); or what `emit` returned. Results up to the error have been emitted. `vars`
 * may be NULL: all null.
 */
int jq_engine_run(struct jq_engine *j, const char *input, size_t n, const struct jq_vars *vars, jq_emit *emit,
                  void *ctx, struct err *e) NODISCARD;

#endif
