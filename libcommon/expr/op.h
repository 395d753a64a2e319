/* SPDX-License-Identifier: Apache-2.0 */
/* The operators of the language, as the syntax tree and the plan name them. */
#ifndef LEAT_EXPR_OP_H
#define LEAT_EXPR_OP_H

enum ast_op {
    OP_ADD = 1,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_ALTERNATIVE,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_SET,   /* = */
    OP_UPDATE /* |= */
};

#endif
