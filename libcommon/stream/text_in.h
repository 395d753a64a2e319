/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as records: JSON lines, the JSON envelope, CSV and TSV with a header line, access logs, plain lines, and
 * length-prefixed blobs (leat(1), FORMATS). One record at a time, as views into the input buffer wherever the bytes
 * need no change.
 *
 * Lines end with LF or CRLF; the last one may lack its end. What a record is:
 *   json      a JSON text, which stays as it is written; lines of blanks only are passed over
 *   envelope  a line of `leat consume -J` or `kcat -J` (envelope_in.h)
 *   csv, tsv  a row, which becomes a JSON object with the header line's names as its keys (csv.h)
 *   combined  a line of an access log, which becomes a JSON object (combined.h); lines of blanks only are passed over
 *   lines     a line: a JSON string (KIND_TEXT; must be UTF-8), its bytes (KIND_BYTES), or as json (KIND_JSON)
 *   lp        u32 little-endian length, then as many bytes: bytes as they are, a JSON text, or text as a JSON string
 * How the input is cut into reads makes no difference to any record, grade or message.
 */
#ifndef LEAT_STREAM_TEXT_IN_H
#define LEAT_STREAM_TEXT_IN_H

#include "stream/block.h"
#include "stream/inbuf.h"

enum in_format { IN_DETECT, IN_BLOCKS, IN_JSON, IN_ENVELOPE, IN_CSV, IN_TSV, IN_COMBINED, IN_LINES, IN_LP };
enum payload_kind { KIND_DEFAULT, KIND_JSON, KIND_BYTES, KIND_TEXT }; /* what a payload of lines or lp is */

struct text_in_config {
    enum in_format format;  /* any but IN_DETECT and IN_BLOCKS */
    enum payload_kind kind; /* default: bytes for lp, text (a JSON string) for lines */
    bool infer;             /* CSV, TSV: numbers, true, false, empty → null; else everything is a string */
    char delimiter;         /* of CSV, neither a quote nor a line end; 0: a comma, or for a file that is named *.csv a
                             * semicolon, where its header has that, and neither comma nor tab */
    size_t record_limit;    /* of the record; the raw line or row has the same limit, an envelope's a higher one */
    unsigned json_depth;    /* 0: the default */
};

struct text_in;

int text_in_open(struct text_in **ret, struct inbuf *in, const struct text_in_config *config, struct err *e) NODISCARD;
void text_in_free(struct text_in *t);

/* The next record. 0: *r is set, valid until the next call (offset is 0; time is NO_TIME but for envelopes and access
 * logs; JSON values are validated). G_EOF: clean end. G_WAIT: a followed input has no whole record yet. G_DATA: this
 * record is bad and has been passed over, text_in_raw has its bytes; call again for the next. G_TRUNCATED: the input
 * ends inside a record (lp, an open quote), text_in_raw has what there is of it. G_CORRUPT: the header line of CSV or
 * TSV is bad (a name is empty or there twice). G_TRUNCATED and G_CORRUPT are for good: they come again until
 * text_in_restart. G_IO, G_NOMEM and G_STOPPED end the input too. Texts begin "NAME:LINE: ". */
int text_in_next(struct text_in *t, struct record *r, struct err *e) NODISCARD;

/* The bytes of the record that text_in_next handed out or refused last, without its line end or length (of a refused
 * one over the limit: the first 64 KiB, or fewer if the limit is lower). Size 0 when there is none. */
const char *text_in_raw(const struct text_in *t, size_t *ret_size);

/* Line (for lp: record number), from 1, at which that record began. */
uint64_t text_in_line(const struct text_in *t);

/* Another file begins behind the descriptor: lines count from 1, a header line is expected, what is left in the buffer
 * belongs to the new file. For followed files (follow.h). */
void text_in_restart(struct text_in *t);

/* What the first bytes look like; `whole` when there will be no more of them. IN_DETECT: cannot be told yet (never when
 * whole, nor from 64 KiB on). Never a wrong guess between blocks and text: blocks begin with "LEAT",
 * and an input that is nothing but the beginning of that word is a stream that was cut off.
 *   json   the first line begins with '{', or with '[' and then another bracket or nothing, or it is a JSON text; so
 *          does what is no text at all (NUL bytes, not UTF-8), so that line 1 is refused by its place, and an empty
 *          input
 *   csv    the first line has commas, and the next row as many; tsv the same with tabs, which are tried first
 *   combined  the first line is one of an access log, or it is no JSON and more than half of the first 20 lines are
 *          (of fewer, when fewer whole ones are there)
 *   lines  everything else. An envelope and lp must be named. */
enum in_format input_detect(const char *p, size_t n, bool whole);

/* What a file of that name is: *.leat blocks, whatever they look like, for which `found` is IN_DETECT; *.csv and *.tsv
 * what they say where the bytes look like lines, as those of a header alone do; else what was found. */
enum in_format input_named(const char *name, enum in_format found);

/* The format of `in`, read as far as it takes: *format itself if that is not IN_DETECT, else by its name and bytes. */
int input_find_format(struct inbuf *in, enum in_format *format, struct err *e) NODISCARD;

/* For tools that need event times: 0 when records of this text format may have one, else G_USAGE. */
int in_format_need_time(enum in_format f, struct err *e) NODISCARD;

/* Names of formats, as options have them: "leat", "json", …; IN_DETECT when unknown. */
enum in_format in_format_parse(const char *name);
const char *in_format_name(enum in_format f);

#endif
