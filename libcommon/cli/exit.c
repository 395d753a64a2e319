/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes. See exit.h; the map from grades is in base/err.c, as end blocks need it too. */
#include "cli/exit.h"

#include "base/err.h"

enum exit_code exit_from_grade(int grade) {
    return (enum exit_code)grade_exit_code(grade);
}
