/*
 * output.h - what the commands about proofs write and print alike
 */
#ifndef SLUIS_AUDIT_OUTPUT_H
#define SLUIS_AUDIT_OUTPUT_H

#include "common/cli.h"
#include "ledger/note.h"
#include "sluis/verify.h"

#include <stdio.h>
#include <sys/stat.h>

/* The newest checkpoint that went by. */
struct kept_note {
    uint64_t size;
    size_t n;
    uint8_t bytes[NOTE_BYTES_MAX];
};
void kept_note_set(struct kept_note *kept, uint64_t size, struct slice note);
struct slice kept_note_slice(const struct kept_note *kept);

/*
 * To a file that did not exist: no input, and nothing else, is ever overwritten. An exit code; what
 * is wrong has been said. The first one asks ahead, before hours of work; NULL is fine.
 */
SL_NODISCARD int output_check_is_new(const struct cli *cli, const char *path);
SL_NODISCARD int output_open(const struct cli *cli, const char *path, mode_t mode, FILE **out);
SL_NODISCARD int output_file(const struct cli *cli, const char *path, struct slice bytes);
/* To standard output: byte by byte, or on a terminal without what could act on it. */
void output_text(struct slice text);
/*
 * The line "WORD: problem". Commands that print "valid" when all holds print it in the same place,
 * on standard output; with --json, and where standard output is for a list or a file, it is on
 * standard error. What is told beside it is for standard error.
 */
void output_verdict(const struct cli *cli, const char *word, const char *problem);
/* That it does not hold, or could not be checked, in words or as JSON. Gives the exit code. */
int output_problem(const struct cli *cli, enum sluis_verify_result result, const char *problem);
/* "valid", "invalid" or "unchecked" */
const char *output_result_name(enum sluis_verify_result result);
/* {"result": .., "problem": ..}, for what does not hold. */
json_t *output_problem_json(enum sluis_verify_result result, const char *problem);

enum { OUTPUT_HASH_CHARS = 44 + 1 };
/* A hash as base64, NUL-terminated. */
void output_hash(const uint8_t hash[32], char text[OUTPUT_HASH_CHARS]);
/* A number; as a string of digits when JSON programs could not hold it. */
json_t *json_of_u64(uint64_t value);

#endif
