/* SPDX-License-Identifier: Apache-2.0 */
/* What -g takes, "EXPR,…" or '{name: EXPR, …}': names and a program for each. See aggregates.h. */
#include <stdlib.h>
#include <string.h>

#include "expr/aggregates_impl.h"
#include "expr/caret.h"

struct grouper {
    struct expr_set *set;
    const char *what;
    struct plan_source *source;
    struct expr_group *groups;
    size_t n;
    uint32_t error_at;
    struct err *e; /* of the reasons; those of the compiler have their caret already */
    bool complete; /* *e needs nothing any more */
};

static int fail(struct grouper *s, const struct ast *ast) {
    s->error_at = ast->at;
    return G_USAGE;
}

static bool is_known_name(const struct grouper *s, struct value name) {
    for (size_t i = 0; i < s->n; i++)
        if (words_name_is(name, s->groups[i].name)) return true;
    return false;
}

static int add_group(struct grouper *s, struct value name, const struct ast *place, const struct ast *value) {
    if (memchr(name.text, '\0', name.n)) {
        (void)err_set(s->e, G_USAGE, "the name of a group cannot have a NUL in it");
        return fail(s, place);
    }
    if (is_known_name(s, name)) {
        (void)err_set(s->e, G_USAGE, "two groups are named '%.*s'; give each a name: %s '{name: EXPR, other: EXPR}'",
                      (int)(name.n > 60 ? 60 : name.n), name.text, s->what);
        return fail(s, place);
    }
    struct expr_group *more = realloc(s->groups, (s->n + 1) * sizeof *more);
    if (more) s->groups = more;
    char *copy = more ? strndup(name.text, name.n) : NULL;
    if (!copy) return err_nomem(s->e);
    s->groups[s->n++] = (struct expr_group){.name = copy};
    const struct ast *tree = split_wrap(s->source, value);
    if (!tree) return err_nomem(s->e);
    int g = expr_add_tree(s->set, s->what, s->source, tree, SUBJECT_RECORD, 0, &s->groups[s->n - 1].expr, s->e);
    s->complete = g < 0;
    return g;
}

/* A path from the record: .a.b, .a[0].b */
static bool is_path(const struct ast *ast) {
    while (ast->type == AST_INDEX || ast->type == AST_SLICE || ast->type == AST_ITERATE) ast = ast->a;
    return ast->type == AST_IDENTITY;
}

static int add_object(struct grouper *s, const struct ast *object) {
    int g = 0;
    if (object->n == 0) {
        (void)err_set(s->e, G_USAGE, "there is no group in the object");
        return fail(s, object);
    }
    for (uint32_t i = 0; g == 0 && i < object->n; i += 2) {
        const struct ast *key = object->list[i];
        if (key->type != AST_CONSTANT || key->name.kind != VK_STRING) {
            (void)err_set(s->e, G_USAGE, "the name of a group must be a constant string");
            return fail(s, key);
        }
        g = add_group(s, key->name, key, object->list[i + 1]);
    }
    return g;
}

static int add_expression(struct grouper *s, const struct ast *ast) {
    if (ast->type == AST_COMMA) {
        int g = add_expression(s, ast->a);
        return g < 0 ? g : add_expression(s, ast->b);
    }
    if (ast->type == AST_OBJECT) return add_object(s, ast);
    if (ast->type == AST_INDEX && ast->b->type == AST_CONSTANT && ast->b->name.kind == VK_STRING && is_path(ast))
        return add_group(s, ast->b->name, ast, ast);
    (void)err_set(s->e, G_USAGE, "name this group: %s '{name: EXPR}'", s->what);
    return fail(s, ast);
}

static int add_all(struct grouper *s) {
    struct splitter split = {.source = s->source, .e = s->e};
    int g = split_tree(&split, PLACE_RECORD); /* for its words about unknown functions, and the depth */
    s->error_at = split.error_at;
    return g < 0 ? g : add_expression(s, split_body(s->source));
}

int expr_add_groups(struct expr_set *s, const char *what, const char *program, struct expr_group **ret, size_t *ret_n,
                    struct err *e) {
    struct err reason = {0};
    struct grouper all = {.set = s, .what = what, .e = &reason};
    int g = plan_source_new(what, program, &all.source, e);
    if (g < 0) return g;
    g = add_all(&all);
    if (g == 0) {
        *ret = all.groups;
        *ret_n = all.n;
    } else if (all.complete) {
        *e = reason;
    } else {
        (void)err_set(e, g, "%s: %s", what, reason.text);
        if (g == G_USAGE) (void)caret_append(e, program, all.error_at);
    }
    plan_source_leave(all.source);
    if (g < 0) expr_groups_free(all.groups, all.n);
    return g;
}

void expr_groups_free(struct expr_group *groups, size_t n) {
    for (size_t i = 0; i < n; i++) free(groups[i].name);
    free(groups);
}
