/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the temporary files and folders of tests: in $TMPDIR, or where else such files go. */
#ifndef LEAT_TESTS_UNIT_SCRATCH_H
#define LEAT_TESTS_UNIT_SCRATCH_H

enum { SCRATCH_MAX = 256 };

/* "FOLDER/leat-WORD-XXXXXX", for mkdtemp and mkstemp. One that does not fit fails the test. */
void scratch_name(char out[SCRATCH_MAX], const char *word);

/* A folder of that name, made and opened; and gone, with all that is in it: 0, or an error. */
int scratch_folder(char out[SCRATCH_MAX], const char *word);
int scratch_remove(const char *path);

#endif
