/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop over files that grow: each is read as far as it goes, then all are waited for. See follow.h. */
#include <stdio.h>
#include <stdlib.h>

#include "stream/stage_impl.h"

struct followed {
    struct follow file;
    struct inbuf in;
    struct text_in *text; /* NULL until the format is known */
    bool open;
};

static void say(struct stage *s, struct followed *f) {
    static const char *const words[] = {[FOLLOW_APPEARED] = "has appeared",
                                        [FOLLOW_ROTATED] = "was replaced; going on with the new file",
                                        [FOLLOW_CUT_SHORT] = "was cut short; reading it from its beginning"};
    if (f->file.notice == FOLLOW_NOTHING || !s->config->notice) return;
    struct err what;
    (void)err_set(&what, 0, "'%s' %s", f->file.path, words[f->file.notice]);
    s->config->notice(s->config->hook_ctx, &what);
    f->file.notice = FOLLOW_NOTHING;
}

static int start_text(struct stage *s, struct followed *f, struct err *e) {
    struct text_in_config config = s->config->input;
    int g = config.format == IN_DETECT ? follow_detect(&f->file, &f->in, &config.format, e) : 0;
    if (g != 0) return g;
    if (config.format == IN_BLOCKS)
        return err_set(e, G_USAGE, "'%s' holds blocks; only text can be followed", f->file.path);
    return text_in_open(&f->text, &f->in, &config, e);
}

/* As far as the file goes for now. G_WAIT when it was read to its end. */
static int drain(struct stage *s, struct followed *f, struct err *e) {
    struct record r = {0};
    int g = f->text ? 0 : start_text(s, f, e);
    while (g == 0) {
        g = follow_next(&f->file, &f->in, f->text, &r, e);
        if (g == 0 || g == G_DATA) g = stage_text_record(s, f->text, f->file.path, g, &r, e);
    }
    s->text = NULL;
    say(s, f);
    return g;
}

static int open_all(struct stage *s, struct followed *files, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++) {
        int g = follow_open(&files[i].file, s->config->files[i], e);
        if (g < 0) return g;
        files[i].open = true;
        g = inbuf_init(&files[i].in, files[i].file.fd, files[i].file.path, e);
        if (g < 0) return g;
        files[i].in.follow = true;
    }
    return 0;
}

static int follow_loop(struct stage *s, struct followed *files, struct follow **all, size_t n, struct err *e) {
    for (;;) {
        for (size_t i = 0; i < n; i++) {
            int g = drain(s, &files[i], e);
            if (g < 0) return g;
        }
        int g = stage_idle(s, e);
        if (g == 0) g = follow_wait_any(all, n, s->wake_ns >= 0 ? s->wake_ns : 1000000000, e);
        if (g < 0) return g;
    }
}

int stage_run_follow(struct stage *s, struct err *e) {
    size_t n = s->config->file_count;
    if (n == 0) return err_set(e, G_USAGE, "there is no file to follow");
    struct followed *files = calloc(n, sizeof *files);
    struct follow **all = calloc(n, sizeof *all);
    int g = files && all ? open_all(s, files, n, e) : err_nomem(e);
    for (size_t i = 0; g == 0 && i < n; i++) all[i] = &files[i].file;
    if (g == 0) g = follow_loop(s, files, all, n, e);
    for (size_t i = 0; files && i < n; i++) {
        text_in_free(files[i].text);
        if (files[i].open) {
            inbuf_release(&files[i].in);
            follow_release(&files[i].file);
        }
    }
    free(files);
    free(all);
    return g == G_STOPPED ? 0 : g; /* there is no other end */
}
