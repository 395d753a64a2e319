/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the validator over the files of JSONTestSuite's test_parsing folder, one file a text, on every path that this
 * machine has. y_ must be accepted but for the two whose duplicate keys are refused on purpose, n_ must be refused, i_
 * must fall out as json/validate.h says. Exit 0 when all do; 1 on a mismatch; 2 when the folder cannot be read.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/validate.h"

/* y_ files that we refuse. */
static const char *const duplicates[] = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"};

/* Prefixes of the i_ files that we accept; we refuse the others. */
static const char *const accepted[] = {"i_number_", "i_structure_500_nested_arrays"};

static int path_read(const char *dir, const char *name, struct buf *ret_text) {
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

static int expected(const char *name) {
    for (size_t i = 0; i < sizeof(duplicates) / sizeof(*duplicates); i++) {
        if (strcmp(name, duplicates[i]) == 0) return G_DATA;
    }
    for (size_t i = 0; i < sizeof(accepted) / sizeof(*accepted); i++) {
        if (strncmp(name, accepted[i], strlen(accepted[i])) == 0) return 0;
    }
    return name[0] == 'y' ? 0 : G_DATA;
}

/* Run one file on each path; 0 when every verdict is the expected one. */
static int file_run(struct json_validator *v, int paths, const char *dir, const char *name) {
    struct buf text = {0};
    if (path_read(dir, name, &text) < 0) {
        printf("FAIL %s: cannot be read\n", name);
        buf_release(&text);
        return -1;
    }
    /* A copy of the exact size, so that a sanitizer sees a read past the end. */
    char *exact = malloc(text.len ? text.len : 1);
    int failed = exact ? 0 : -1;
    for (int i = 0; i < paths && exact; i++) {
        struct json_fault fault = {0, ""};
        memcpy(exact, text.data, text.len);
        int rc = json_validate(&v[i], exact, text.len, &fault);
        if (rc != expected(name)) {
            printf("FAIL %s: path %d says %d (%s at %zu)\n", name, (int)v[i].simd, rc, fault.reason, fault.at);
            failed = -1;
        } else if (i == 0 && (name[0] == 'i' || (name[0] == 'y' && rc < 0))) {
            if (rc == 0)
                printf("%-60s accepted\n", name);
            else
                printf("%-60s refused: %s at %zu\n", name, fault.reason, fault.at);
        }
    }
    free(exact);
    buf_release(&text);
    return failed;
}

static int is_case(const struct dirent *d) {
    const char *dot = strrchr(d->d_name, '.');
    return strchr("yni", d->d_name[0]) && d->d_name[1] == '_' && dot && strcmp(dot, ".json") == 0;
}

int main(int argc, char **argv) {
    static const enum json_simd all[] = {JSON_PORTABLE, JSON_AVX2, JSON_AVX512};
    struct json_validator v[3];
    struct dirent **names;
    int paths = 0, passed = 0, failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: json_suite DIRECTORY\n");
        return 2;
    }
    int n = scandir(argv[1], &names, is_case, alphasort);
    if (n <= 0) {
        fprintf(stderr, "json_suite: no cases in '%s'\n", argv[1]);
        return 2;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (json_validator_init_with(&v[paths], NULL, all[i]) == 0) paths++;
    }
    for (int i = 0; i < n; i++) {
        if (paths > 0 && file_run(v, paths, argv[1], names[i]->d_name) == 0)
            passed++;
        else
            failed++;
        free(names[i]);
    }
    free(names);
    while (paths > 0) json_validator_release(&v[--paths]);
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
