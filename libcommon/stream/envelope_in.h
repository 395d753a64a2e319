/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON envelope, one record a line, as `leat consume -J` and `kcat -J` write it; no input or output. Called by the
 * text reader.
 *
 *   ts                milliseconds since 1970, a number or a string of one, with up to six digits behind the point; no
 *                     exponent. null or none: no time. So is -1, as kcat writes it; only with a tstype of "create" and
 * a payload_encoding, which kcat does not write, it is a time tstype            "unknown": no time, whatever ts says;
 * anything else is not looked at headers           [name, value, name, value, …], strings; a value may be null, which
 * is an empty one. null: none headers_encoding  "base64": the values are base64 key               a string; null or
 * none: no key. "" is an empty key key_encoding      "base64" payload           by payload_encoding: "json" the JSON
 * value itself, taken as it is written "jsontext"        a string that holds the JSON text "text"            a string
 * that holds bytes that are UTF-8 "base64"          bytes "none"            null or none: a tombstone none as kcat
 * writes it: null is a tombstone; a string holds the bytes of the payload, taken for a JSON value where they are a JSON
 * text; anything else is a JSON value Members may come in any order; others (topic, partition, offset, …) are not
 * looked at. A payload must be there, or "none" say that it is not: a line of plain JSON must not pass for a tombstone.
 */
#ifndef LEAT_STREAM_ENVELOPE_IN_H
#define LEAT_STREAM_ENVELOPE_IN_H

#include "stream/block.h"
#include "json/validate.h"

struct envelope_in {
    struct json_validator line;    /* one level deeper than the payload may be */
    struct json_validator payload; /* of payloads inside strings */
    struct buf key, headers, value;
    struct buf text, name; /* strings on their way */
};

/* `limits` are those of the payload. G_NOMEM, or G_IO when the system gives no random seed. */
int envelope_in_init(struct envelope_in *x, const struct json_limits *limits) NODISCARD;
void envelope_in_release(struct envelope_in *x); /* takes NULL and a zeroed one */

/* The record of one line, valid as long as the line and until the next call. G_DATA; G_NOMEM. */
int envelope_in_parse(struct envelope_in *x, const char *line, size_t n, struct record *r, struct err *e) NODISCARD;

#endif
