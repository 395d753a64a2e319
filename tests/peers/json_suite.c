/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the validator over the y_ and n_ files of JSONTestSuite's test_parsing folder, one file a text, on every path
 * that this machine has, without and with duplicate keys allowed. y_ must be accepted, but for the two that have
 * duplicate keys if those are not allowed, and n_ must be refused. (json_page has the i_ files.) Exit 0 when all do and
 * all files are there; 1 on a mismatch; 2 when the folder cannot be read.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/validate.h"

enum { Y_FILES = 95, N_FILES = 188, PATHS = 3 };

/* One validator for each path, and one more that allows duplicate keys. */
struct path {
    struct json_validator strict, loose;
};

static int text_read(const char *dir, const char *name, struct buf *ret_text) {
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path)) return G_USAGE;
    FILE *f = fopen(path, "rb");
    if (!f) return G_IO;
    int rc = 0;
    size_t n;
    do {
        rc = buf_reserve(ret_text, 65536);
        n = rc == 0 ? fread(ret_text->data + ret_text->len, 1, 65536, f) : 0;
        ret_text->len += n;
    } while (n > 0);
    if (ferror(f)) rc = G_IO;
    fclose(f);
    return rc;
}

static int verdict_check(struct json_validator *v, const char *name, const char *text, size_t n, int expected) {
    struct json_fault fault = {0, "accepted"};
    int rc = json_validate(v, text, n, &fault);
    if (rc == expected) return 0;
    printf("FAIL %s: path %d, duplicate keys %s: %s at %zu\n", name, (int)v->simd,
           v->limits.allow_duplicate_keys ? "allowed" : "refused", fault.reason, fault.at);
    return -1;
}

/* Run one file on each path; 0 when every verdict is the expected one. */
static int file_run(struct path *paths, int count, const char *dir, const char *name) {
    struct buf text = {0};
    int failed = text_read(dir, name, &text);
    if (failed) printf("FAIL %s: cannot be read\n", name);
    /* A copy of the exact size, so that a sanitizer sees a read past the end. */
    char *exact = malloc(text.len ? text.len : 1);
    if (!exact) failed = -1;
    if (!failed) memcpy(exact, text.data, text.len);
    bool duplicate = strcmp(name, "y_object_duplicated_key.json") == 0 ||
                     strcmp(name, "y_object_duplicated_key_and_value.json") == 0;
    int loose = name[0] == 'y' ? 0 : G_DATA;
    int strict = duplicate ? G_DATA : loose;
    for (int i = 0; i < count && !failed; i++) {
        failed |= verdict_check(&paths[i].strict, name, exact, text.len, strict);
        failed |= verdict_check(&paths[i].loose, name, exact, text.len, loose);
    }
    free(exact);
    buf_release(&text);
    return failed;
}

static int is_case(const struct dirent *d) {
    const char *dot = strrchr(d->d_name, '.');
    return (d->d_name[0] == 'y' || d->d_name[0] == 'n') && d->d_name[1] == '_' && dot && strcmp(dot, ".json") == 0;
}

static int paths_init(struct path paths[PATHS]) {
    static const enum json_simd all[PATHS] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    const struct json_limits loose = {.allow_duplicate_keys = true};
    int count = 0;
    for (int i = 0; i < PATHS; i++) {
        if (json_validator_init_with(&paths[count].strict, NULL, all[i]) < 0) continue;
        if (json_validator_init_with(&paths[count].loose, &loose, all[i]) < 0) abort();
        count++;
    }
    return count;
}

int main(int argc, char **argv) {
    struct path paths[PATHS];
    struct dirent **names;
    int passed = 0, failed = 0, y = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: json_suite DIRECTORY\n");
        return 2;
    }
    int n = scandir(argv[1], &names, is_case, alphasort);
    if (n <= 0) {
        fprintf(stderr, "json_suite: no cases in '%s'\n", argv[1]);
        return 2;
    }
    int count = paths_init(paths);
    for (int i = 0; i < n; i++) {
        if (count > 0 && file_run(paths, count, argv[1], names[i]->d_name) == 0)
            passed++;
        else
            failed++;
        y += names[i]->d_name[0] == 'y';
        free(names[i]);
    }
    free(names);
    while (count > 0) {
        json_validator_release(&paths[--count].strict);
        json_validator_release(&paths[count].loose);
    }
    printf("%d passed, %d failed: %d y_, %d n_\n", passed, failed, y, n - y);
    return failed || y != Y_FILES || n - y != N_FILES ? 1 : 0;
}
