/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control blocks as values: leat-stream(5), section "Control block". jansson reads and writes their JSON; they are few.
 */
#ifndef LEAT_STREAM_CONTROL_H
#define LEAT_STREAM_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CONTROL_DEPTH_MAX = 1024 };

enum control_type {
    CONTROL_UNKNOWN, /* to be passed on unread */
    CONTROL_START,
    CONTROL_SOURCE,
    CONTROL_WATERMARK,
    CONTROL_IDLE,
    CONTROL_BARRIER,
    CONTROL_END,
    CONTROL_SEGMENT
};

/* One parsed control block. Owns `json`; strings point into it. */
struct control {
    enum control_type type;
    json_t *json;
    const char *run;   /* start */
    const char *topic; /* source */
    int64_t time;      /* watermark */
    int status;        /* end */
    const char *error; /* end: words, or NULL */
    uint64_t records;  /* end */
    uint64_t bytes;    /* end */
};

/* 0; G_CORRUPT when it is not a JSON object with a type, or a known type lacks what it must have. */
int control_parse(const char *text, size_t n, struct control *ret, struct err *e) NODISCARD;
void control_release(struct control *c);

/* Bodies of control blocks, appended to b. */
int control_source(struct buf *b, const char *topic) NODISCARD;
int control_watermark(struct buf *b, int64_t time_ns) NODISCARD;
int control_idle(struct buf *b) NODISCARD;
int control_end(struct buf *b, int status, uint64_t records, uint64_t bytes, const char *error) NODISCARD;

/* A start for this run. `history` is the array of an upstream's start, or NULL; this command line is added to it. */
int control_start(struct buf *b, uint64_t run, const json_t *history, const char *tool, char *const *args,
                  int arg_count, int64_t now_ns) NODISCARD;

#endif
