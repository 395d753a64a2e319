/* SPDX-License-Identifier: Apache-2.0 */
/* "sqlite:FILE?table=NAME", a file, or a topic: what --table names, and whether it has changed. See join.h. */
#include <stdlib.h>
#include <sys/stat.h>

#include "join.h"

#include "log/dest.h"

static int init_sqlite(struct source *s, const char *text, struct err *e) {
    const char *mark = strstr(text, "?table=");
    if (!mark || mark == text || mark[7] == '\0')
        return err_set(e, G_USAGE, "table '%s' is not sqlite:FILE?table=NAME", s->name);
    s->kind = SOURCE_SQLITE;
    s->table = mark + 7;
    s->file = strndup(text, (size_t)(mark - text));
    return s->file ? 0 : err_nomem(e);
}

int source_init(struct source *s, const char *name, struct err *e) {
    *s = (struct source){.name = name};
    if (strncmp(name, "sqlite:", 7) == 0) return init_sqlite(s, name + 7, e);
    if (strcmp(name, "-") == 0)
        return err_set(e, G_USAGE, "the table cannot be standard input; '--table <(COMMAND)' reads what one writes");
    if (dest_is_file(name)) {
        s->kind = SOURCE_FILE;
        s->file = strdup(name);
        return s->file ? 0 : err_nomem(e);
    }
    s->kind = SOURCE_TOPIC;
    if (topic_name_check(name, NULL) == 0) return 0;
    return err_set(e, G_USAGE, "table '%s' is neither a file nor the name of a topic", name);
}

void source_release(struct source *s) {
    free(s->file);
    s->file = NULL;
}

static void stamp_file(const char *file, uint64_t *ret) {
    struct stat st;
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode)) return;
    ret[0] = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    ret[1] = (uint64_t)st.st_size;
    ret[2] = st.st_ino;
    ret[3] = st.st_dev;
}

/* What was committed to a database may still be in its write-ahead log. */
static void stamp_sqlite(const char *file, uint64_t *ret) {
    size_t n = strlen(file);
    char *log = malloc(n + 5);
    stamp_file(file, ret);
    if (!log) return;
    memcpy(log, file, n);
    memcpy(log + n, "-wal", 5);
    stamp_file(log, ret + 4);
    free(log);
}

int source_again(const struct source *s, struct err *e) {
    struct stat st;
    if (s->kind != SOURCE_FILE || stat(s->file, &st) != 0 || S_ISREG(st.st_mode)) return 0;
    return err_set(e, G_IO, "table '%s' is no file that can be read again", s->name);
}

void source_stamp(const struct source *s, struct source_stamp *ret) {
    *ret = (struct source_stamp){0};
    switch (s->kind) {
    case SOURCE_FILE: stamp_file(s->file, ret->v); break;
    case SOURCE_SQLITE: stamp_sqlite(s->file, ret->v); break;
    case SOURCE_TOPIC: stamp_topic(s, ret); break;
    }
}
