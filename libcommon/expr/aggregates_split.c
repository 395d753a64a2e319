/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the tree of a program with aggregates: it knows at each place what . is, resolves the names of
 * functions as the compiler will, takes the aggregates' calls out, and refuses what would mean something else than it
 * seems to. See aggregates_impl.h.
 */
#include <string.h>

#include "expr/aggregates_impl.h"

#define CALLS_MAX 1000 /* different aggregates in one program */
#define DEPTH_MAX 1000 /* of the tree, as in the compiler */

struct context {
    enum place_of of;
    const struct known *known;  /* the names that can be seen */
    const struct known *hidden; /* in an argument: those that can be seen around it, and cannot be used in it */
};

static int walk(struct splitter *s, struct context x, struct ast *ast);

/* Where . is no longer the window. */
static struct context inside(struct context x) {
    if (x.of == PLACE_WINDOW) x.of = PLACE_INNER;
    return x;
}

static int walk_if(struct splitter *s, struct context x, struct ast *ast) {
    return ast ? walk(s, x, ast) : 0;
}

static int fail(struct splitter *s, const struct ast *ast) {
    s->error_at = ast->at;
    return G_USAGE;
}

/* ---- names ---- */

static int add_known(struct splitter *s, struct context *x, struct known k) {
    struct known *copy = heap_alloc(&s->source->heap, sizeof *copy);
    if (!copy) return err_nomem(s->e);
    k.parent = x->known;
    *copy = k;
    x->known = copy;
    return 0;
}

static bool same_name(struct value a, struct value b) {
    return a.n == b.n && memcmp(a.text, b.text, a.n) == 0;
}

static const struct known *find_function(const struct known *from, const struct known *end, const struct ast *call) {
    for (const struct known *k = from; k != end; k = k->parent) {
        if (k->kind == KNOWN_VARIABLE || !same_name(k->name, call->name)) continue;
        if (call->n == (k->kind == KNOWN_FUNCTION ? k->function->n : 0)) return k;
    }
    return NULL;
}

static bool has_variable(const struct known *from, const struct known *end, struct value name) {
    for (const struct known *k = from; k != end; k = k->parent)
        if (k->kind == KNOWN_VARIABLE && same_name(k->name, name)) return true;
    return false;
}

/* A variable of the window has no value while records come. */
static int walk_variable(struct splitter *s, struct context x, const struct ast *ast) {
    if (!x.hidden || has_variable(x.known, NULL, ast->name) || !has_variable(x.hidden, s->front, ast->name)) return 0;
    (void)err_set(s->e, G_USAGE,
                  "$%.*s is bound outside of this aggregate, whose argument runs on each record; for a constant, write "
                  "'def name: …;' in front of the program",
                  (int)ast->name.n, ast->name.text);
    return fail(s, ast);
}

static int add_pattern(struct splitter *s, struct context *x, const struct ast_pattern *p) {
    int g = 0;
    if (p->type == PATTERN_VARIABLE) return add_known(s, x, (struct known){.kind = KNOWN_VARIABLE, .name = p->name});
    for (uint32_t i = 0; g == 0 && i < p->n; i++) {
        if (p->type == PATTERN_ARRAY) {
            g = add_pattern(s, x, p->items[i]);
            continue;
        }
        const struct ast_member *m = &p->members[i];
        g = walk(s, inside(*x), m->key);
        if (g == 0 && m->variable.text)
            g = add_known(s, x, (struct known){.kind = KNOWN_VARIABLE, .name = m->variable});
        if (g == 0 && m->pattern) g = add_pattern(s, x, m->pattern);
    }
    return g;
}

static int add_patterns(struct splitter *s, struct context *x, const struct ast *ast) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < ast->pattern_count; i++) g = add_pattern(s, x, ast->patterns[i]);
    return g;
}

/* A definition: its body sees itself and its parameters. */
static int add_function(struct splitter *s, struct context *x, const struct ast_function *f) {
    int g = add_known(s, x, (struct known){.kind = KNOWN_FUNCTION, .name = f->name, .function = f});
    struct context body = inside(*x);
    for (uint32_t i = 0; g == 0 && i < f->n; i++) {
        g = add_known(s, &body, (struct known){.kind = KNOWN_PARAMETER, .name = f->params[i]});
        if (g == 0 && f->is_value[i])
            g = add_known(s, &body, (struct known){.kind = KNOWN_VARIABLE, .name = f->params[i]});
    }
    return g < 0 ? g : walk(s, body, f->body);
}

/* ---- calls ---- */

static int walk_list(struct splitter *s, struct context x, const struct ast *ast) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < ast->n; i++) g = walk(s, x, ast->list[i]);
    return g;
}

/* What a parameter with a $ takes is computed where the call is, from the same `.`; other arguments from any. */
static int walk_arguments(struct splitter *s, struct context x, const struct ast *ast, const struct ast_function *f) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < ast->n; i++) g = walk(s, f && f->is_value[i] ? x : inside(x), ast->list[i]);
    return g;
}

static bool is_special(const struct ast *call) {
    const char *name;
    unsigned arity;
    for (size_t i = 0; special_entry(i, &name, &arity); i++)
        if (arity == call->n && words_name_is(call->name, name)) return true;
    return call->n == 0 && words_name_is(call->name, "env");
}

static int walk_builtin(struct splitter *s, struct context x, const struct ast *call) {
    bool of_values = call->n == 1 && words_name_is(call->name, "error");
    if (of_values || func_find(call->name.text, call->name.n, call->n)) return walk_list(s, x, call);
    if (is_special(call)) return walk_arguments(s, x, call, NULL);
    const char *text = prelude_find(call->name.text, call->name.n, call->n);
    if (!text) return words_unknown_function(s, x.of, call);
    struct ast *definition;
    uint32_t at;
    int g = ast_parse(&s->source->heap, text, strlen(text), &definition, &at, s->e);
    return g < 0 ? g : walk_arguments(s, x, call, definition->function);
}

/* The slot of the call: that of the first one that is written like it. */
static int call_slot(struct splitter *s, const struct ast *call, int constant, uint32_t *ret) {
    struct split_call found = {.call = *call};
    for (uint32_t i = 0; i < call->n; i++)
        if ((int)i == constant)
            found.constant = call->list[i];
        else
            found.argument = call->list[i];
    for (*ret = 0; *ret < s->n; ++*ret)
        if (ast_equal(&s->calls[*ret].call, call)) return 0;
    if (s->n == CALLS_MAX) {
        (void)err_set(s->e, G_USAGE, "more than %d aggregates", CALLS_MAX);
        return fail(s, call);
    }
    if ((s->n & (s->n - 1)) == 0) { /* a power of two: full */
        struct split_call *more = heap_alloc(&s->source->heap, (s->n ? (size_t)s->n * 2 : 1) * sizeof *more);
        if (!more) return err_nomem(s->e);
        if (s->n) memcpy(more, s->calls, s->n * sizeof *more);
        s->calls = more;
    }
    s->calls[s->n++] = found;
    return 0;
}

static int walk_aggregate(struct splitter *s, struct context x, struct ast *ast, int constant) {
    uint32_t slot;
    for (uint32_t i = 0; i < ast->n; i++) {
        struct context argument = {
            .of = (int)i == constant ? PLACE_CONSTANT : PLACE_RECORD, .known = s->front, .hidden = x.known};
        int g = walk(s, argument, ast->list[i]);
        if (g < 0) return g;
    }
    int g = call_slot(s, ast, constant, &slot);
    if (g < 0) return g;
    *ast = (struct ast){.type = AST_PRESET, .at = ast->at, .n = slot};
    return 0;
}

static int walk_call(struct splitter *s, struct context x, struct ast *ast) {
    const struct known *k = find_function(x.known, NULL, ast);
    int constant = -1;
    if (k) return walk_arguments(s, x, ast, k->function);
    if (x.hidden && find_function(x.hidden, s->front, ast)) {
        (void)err_set(s->e, G_USAGE,
                      "'%.*s' is defined inside the program; only definitions in front of it can be used in an "
                      "aggregate's argument",
                      (int)(ast->name.n > 60 ? 60 : ast->name.n), ast->name.text);
        return fail(s, ast);
    }
    if (x.of != PLACE_WINDOW) return walk_builtin(s, x, ast);
    if (s->names->find(ast->name.text, ast->name.n, ast->n, &constant)) return walk_aggregate(s, x, ast, constant);
    /* jq's min, first, any, … of the window itself are never meant. */
    if (ast->n == 0 && words_is_aggregate(s, ast->name)) return words_wrong_count(s, ast);
    return walk_builtin(s, x, ast);
}

/* ---- fields of the window ---- */

static bool is_name_step(const struct ast *ast) {
    return ast->type == AST_INDEX && ast->b->type == AST_CONSTANT && ast->b->name.kind == VK_STRING;
}

static bool is_field(const struct splitter *s, struct value name) {
    for (size_t i = 0; s->fields && s->fields[i]; i++)
        if (words_name_is(name, s->fields[i])) return true;
    return false;
}

static int walk_index(struct splitter *s, struct context x, struct ast *ast, bool shorthand) {
    const struct ast *base = ast;
    while (is_name_step(base) && is_name_step(base->a)) base = base->a;
    if (x.of == PLACE_WINDOW && is_name_step(base) && base->a->type == AST_IDENTITY && !is_field(s, base->b->name))
        return words_unknown_field(s, base, ast, shorthand);
    int g = walk(s, x, ast->a);
    return g < 0 || shorthand ? g : walk(s, x, ast->b);
}

/* {name} has the node of its key in its value, too. */
static int walk_object(struct splitter *s, struct context x, const struct ast *ast) {
    int g = 0;
    for (uint32_t i = 0; g == 0 && i < ast->n; i += 2) {
        struct ast *key = ast->list[i], *value = ast->list[i + 1];
        g = walk(s, x, key);
        if (g == 0 && value->type == AST_INDEX && value->b == key)
            g = walk_index(s, x, value, true);
        else if (g == 0)
            g = walk(s, x, value);
    }
    return g;
}

/* ---- the walk ---- */

static int walk_two(struct splitter *s, struct context x, struct context y, const struct ast *ast) {
    int g = walk_if(s, x, ast->a);
    return g < 0 ? g : walk_if(s, y, ast->b);
}

static int walk_fold(struct splitter *s, struct context x, const struct ast *ast) {
    int g = walk_two(s, x, x, ast);
    x = inside(x);
    if (g == 0) g = add_patterns(s, &x, ast);
    if (g == 0) g = walk_if(s, x, ast->c);
    return g < 0 ? g : walk_if(s, x, ast->d);
}

static int walk_bind(struct splitter *s, struct context x, const struct ast *ast) {
    int g = walk(s, x, ast->a);
    if (g == 0) g = add_patterns(s, &x, ast);
    return g < 0 ? g : walk(s, x, ast->b);
}

static int walk_define(struct splitter *s, struct context x, const struct ast *ast) {
    int g = add_function(s, &x, ast->function);
    return g < 0 ? g : walk(s, x, ast->a);
}

static int walk_by_type(struct splitter *s, struct context x, struct ast *ast) {
    switch ((enum ast_type)ast->type) {
    case AST_VARIABLE: return walk_variable(s, x, ast);
    case AST_STRING: return walk_list(s, x, ast);
    case AST_INDEX: return walk_index(s, x, ast, false);
    case AST_OBJECT: return walk_object(s, x, ast);
    case AST_TRY:
    case AST_PIPE: return walk_two(s, x, inside(x), ast);
    case AST_ASSIGN: /* the left side says where to put something, which need not be there yet */
        return walk_two(s, inside(x), ast->op == OP_UPDATE ? inside(x) : x, ast);
    case AST_REDUCE:
    case AST_FOREACH: return walk_fold(s, x, ast);
    case AST_CALL: return walk_call(s, x, ast);
    case AST_DEFINE: return walk_define(s, x, ast);
    case AST_BIND: return walk_bind(s, x, ast);
    case AST_PRESET: return 0;
    default: break; /* what is in it has the same `.` */
    }
    int g = walk_two(s, x, x, ast);
    if (g == 0) g = walk_if(s, x, ast->c);
    return g < 0 ? g : walk_if(s, x, ast->d);
}

static int walk(struct splitter *s, struct context x, struct ast *ast) {
    if (++s->depth > DEPTH_MAX) {
        (void)err_set(s->e, G_USAGE, "the program is too deeply nested");
        return fail(s, ast);
    }
    int g = walk_by_type(s, x, ast);
    s->depth--;
    return g;
}

int split_tree(struct splitter *s, enum place_of of) {
    struct context x = {.of = of};
    struct ast *tree = s->source->tree;
    for (; tree->type == AST_DEFINE; tree = tree->a) {
        int g = add_function(s, &x, tree->function);
        if (g < 0) return g;
    }
    s->front = x.known;
    return walk(s, x, tree);
}

struct ast *split_body(const struct plan_source *source) {
    struct ast *tree = source->tree;
    while (tree->type == AST_DEFINE) tree = tree->a;
    return tree;
}

/* The definitions once more, from the first to the last, with the piece behind them. */
const struct ast *split_wrap(struct plan_source *source, const struct ast *piece) {
    const struct ast *first = piece;
    struct ast *last = NULL;
    for (const struct ast *d = source->tree; d->type == AST_DEFINE; d = d->a) {
        struct ast *copy = heap_alloc(&source->heap, sizeof *copy);
        if (!copy) return NULL;
        *copy = *d;
        if (last)
            last->a = copy;
        else
            first = copy;
        last = copy;
    }
    if (last) last->a = (struct ast *)(uintptr_t)piece;
    return first;
}
