/*
 * output.c - files, verdicts and numbers, the same way in each command about proofs
 */
#include "output.h"

#include "base/sha256.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void kept_note_set(struct kept_note *kept, uint64_t size, struct slice note)
{
    SL_ASSERT(note.n <= sizeof kept->bytes);
    memcpy(kept->bytes, note.p, note.n);
    kept->n = note.n;
    kept->size = size;
}

struct slice kept_note_slice(const struct kept_note *kept)
{
    return slice_of(kept->bytes, kept->n);
}

int output_file(const struct cli *cli, const char *path, struct slice bytes)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return cli_fail(cli, EX_CANTCREAT, "cannot write %s: %s", path, strerror(errno));
    bool written = fwrite(bytes.p, 1, bytes.n, file) == bytes.n;
    int error = errno;
    if (fclose(file) != 0 && written) {
        written = false;
        error = errno;
    }
    if (written)
        return EX_OK;
    return cli_fail(cli, EX_IOERR, "cannot write %s: %s", path, strerror(error));
}

void output_text(struct slice text)
{
    if (isatty(STDOUT_FILENO))
        print_lines(stdout, text);
    else
        fwrite(text.p, 1, text.n, stdout); /* cli_main() sees a failure */
}

const char *output_result_name(enum sluis_verify_result result)
{
    switch (result) {
    case SLUIS_VERIFY_VALID:
        return "valid";
    case SLUIS_VERIFY_INVALID:
        return "invalid";
    case SLUIS_VERIFY_UNCHECKED:
        break;
    }
    return "unchecked";
}

json_t *output_problem_json(enum sluis_verify_result result, const char *problem)
{
    return json_pack("{s:s, s:o}", "result", output_result_name(result), "problem",
                     json_of_slice(slice_of_str(problem)));
}

int output_problem(const struct cli *cli, enum sluis_verify_result result, const char *problem)
{
    fflush(stdout);
    if (result == SLUIS_VERIFY_INVALID) {
        print_styled(stderr, STYLE_BAD, "INVALID");
        fprintf(stderr, ": ");
        print_text(stderr, slice_of_str(problem));
        fprintf(stderr, "\n");
    } else {
        struct cli quiet = *cli; /* its JSON is printed below */
        quiet.json = false;
        cli_fail(&quiet, AUDIT_UNCHECKED, "could not check: %s", problem);
    }
    if (cli->json)
        cli_print_json(cli, output_problem_json(result, problem));
    return (int)result;
}

void output_hash(const uint8_t hash[32], char text[OUTPUT_HASH_CHARS])
{
    struct writer writer = writer_over(text, OUTPUT_HASH_CHARS - 1);
    write_base64(&writer, slice_of(hash, SHA256_BYTES));
    text[writer.n] = 0;
}

json_t *json_of_u64(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    return json_string(digits);
}
