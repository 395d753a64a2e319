/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several inputs at once. A feed is one of them, read by a thread of its own: it opens the input, finds out its format,
 * reads and checks it, and puts items into a queue, from which the main thread takes them in their order. So FIFOs can
 * be opened in any order, and no input waits for another.
 *
 * A queue is bounded: when it is full, the thread waits and with it whoever writes the input. Only while the main
 * thread waits for another feed, which has nothing, would that be a deadlock where both come from one `tee`; then what
 * comes goes to a temporary file (spill.h), and the limit on that is the end of the run. Files can wait for ever.
 *
 *     feeds_open → (sandbox) → feeds_start → { feeds_wait, feeds_take, feed_item_free } … → feeds_close
 */
#ifndef LEAT_STREAM_FEED_H
#define LEAT_STREAM_FEED_H

#include "stream/reader.h"
#include "stream/spill.h"
#include "stream/text_in.h"

#define FEEDS_MAX 256

enum feed_kind {
    FEED_BLOCK,   /* a data block */
    FEED_CONTROL, /* a control block, for others than end and segment, which the feed itself heeds */
    FEED_BAD,     /* a text record that is bad: what to do is the policy's */
    FEED_END      /* nothing follows; how it ended */
};

/* One step of an input, in one piece of memory. */
struct feed_item {
    struct feed_item *next; /* the queue's */
    enum feed_kind kind;
    bool text;             /* BLOCK: made from text: topic_id 0, BLOCK_JSON_VALID, offsets are places in the input */
    bool checked;          /* BLOCK: all JSON in it is known to be valid; its structure always is */
    enum in_format format; /* of the input */
    struct block_header h; /* BLOCK, CONTROL; codec and stored_size as `body` is: not compressed */
    uint64_t line;         /* text: of the first record (for lp: its number), from 1 */
    const uint32_t *lines; /* text BLOCK: of each record, less `line` */
    int grade;             /* END: G_END, G_EOF, or what went wrong */
    struct err *why;       /* BAD, END with an error: the words, which name the input; else NULL */
    char *body;            /* BLOCK: checked records; CONTROL: JSON; BAD: the bytes as they were read */
    size_t size;           /* of the body */
    size_t slack;          /* bytes behind the body that may be read */
    size_t memory;         /* all that the item takes, but for the note */
    char *note;            /* BLOCK: what look() found out, as malloc aligns it; NULL: nothing */
    size_t note_size;
    uint64_t position; /* how far the input was read when it was put: bytes, or what feed_at says */
};

void feed_item_free(struct feed_item *item); /* takes NULL */

struct feed_reading;

struct feeds_config {
    const char *const *names; /* files, FIFOs, "-", topics: a name without a slash that is no file (dest.h) */
    size_t count;
    const char *standard_input;  /* what "-" is called in messages; NULL: "standard input" */
    struct text_in_config input; /* its format may be IN_DETECT: input_find_format() */
    bool trust_blocks;           /* leave JSON in blocks without the validated flag unchecked */
    bool bounded;                /* topics end where they end now; else they are followed */
    const char *log_dir;         /* of topics; NULL: the default */
    bool force_fs;
    uint64_t spill_limit; /* bytes of all feeds together; 0: nothing is spilled */
    size_t queue_bytes;   /* of each feed; 0: 8 MiB, less when there are many */
    /* Each text record, in the thread of its feed, before it is put into a block: it may set the time, the key, the
     * headers and the value (JSON must be valid). `slack` bytes behind its value may be read. G_DATA makes the record a
     * bad one. NULL: none. */
    int (*record)(void *ctx, size_t feed, enum in_format format, struct record *r, size_t slack, struct err *e);
    /* Each data block whose JSON is known to be valid, in the thread of its feed, before it is put: what is found out
     * goes to `note`, which is empty, and with the item to the main thread, but for what was in the spill file
     * meanwhile. Below 0: nothing. NULL: none. */
    int (*look)(void *ctx, size_t feed, const struct block_origin *from, const char *body, struct buf *note);
    /* The tool itself reads the inputs, in the threads of their feeds, by the functions below, and returns how that
     * ended: names are its business, and none is a topic. NULL: the feeds read them by their names. */
    int (*read)(void *ctx, size_t feed, struct feed_reading *r, struct err *e);
    void *ctx;
};

/* What the name of the feed stands for, if that is no topic: reads of it end when all is over. Close it in any case. */
int feed_input(struct feed_reading *r, struct inbuf *in, struct err *e) NODISCARD;
void feed_input_close(struct feed_reading *r, struct inbuf *in);

/* Until `in` has something to read, or G_STOPPED: all is over. For another thread that reads it for this one. */
int feed_wait(const struct feed_reading *r, struct inbuf *in, struct err *e) NODISCARD;

/* What `in` has, up to its end, as a stream of its own: in->name tells messages, and perhaps the format. */
int feed_part(struct feed_reading *r, struct inbuf *in, struct err *e) NODISCARD;

/* A block that was read and checked elsewhere. */
int feed_block(struct feed_reading *r, const struct block *b, struct err *e) NODISCARD;

/* So much of the input has been read, in units of the caller's. */
void feed_at(struct feed_reading *r, uint64_t position);

/* A set of feeds. */
struct feed_set {
    uint64_t bits[FEEDS_MAX / 64];
};
static inline void feed_set_add(struct feed_set *s, size_t i) {
    s->bits[i / 64] |= 1ull << (i % 64);
}
static inline bool feed_set_has(const struct feed_set *s, size_t i) {
    return s->bits[i / 64] >> (i % 64) & 1;
}

struct feeds;

/* Starts `leat-consume` for each topic and makes what else needs rights. `config` and its names must live as long.
 * G_USAGE: too many, "-" twice. */
int feeds_open(struct feeds **ret, const struct feeds_config *config, struct err *e) NODISCARD;

/* The threads. From here on signals go to the main thread alone. */
int feeds_start(struct feeds *f, struct err *e) NODISCARD;

/* Stops and joins the threads, ends the children. Takes NULL. */
void feeds_close(struct feeds *f);

size_t feeds_count(const struct feeds *f);
const char *feed_name(const struct feeds *f, size_t i); /* for messages */

/* Is there an item that feeds_take would give, or an end that was not taken? */
bool feed_ready(struct feeds *f, size_t i);

/* Wait until one of the wanted feeds has an item. 0; G_WAIT: the time is over (`timeout_ns` below 0: there is none);
 * G_STOPPED: a signal; and the error of a feed that is not wanted and has failed, such as by the spill limit: it is not
 * read any more, and the writer of those that are wanted could wait for it for ever. An empty set waits for a signal or
 * such an error only. */
int feeds_wait(struct feeds *f, const struct feed_set *wanted, int64_t timeout_ns, struct err *e) NODISCARD;

/* The next item of this feed; the caller frees it. G_WAIT when there is none; behind FEED_END there is none any more.
 * G_IO when the spill file cannot be read. */
int feeds_take(struct feeds *f, size_t i, struct feed_item **ret, struct err *e) NODISCARD;

/* Nothing more will be taken from this feed: what it has is dropped, and it reads no further. */
void feed_enough(struct feeds *f, size_t i);

/* The most that was in spill files at one time, for --stats and -v. */
uint64_t feeds_spilled(const struct feeds *f);

#endif
