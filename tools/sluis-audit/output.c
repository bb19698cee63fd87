/*
 * output.c - files, verdicts and numbers, the same way in each command about proofs
 */
#include "output.h"

#include "base/sha256.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"

#include <errno.h>
#include <fcntl.h>
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

static int cannot_make(const struct cli *cli, const char *path, int error)
{
    if (error == EEXIST)
        return cli_fail(cli, EX_CANTCREAT,
                        "%s is there already, and nothing is overwritten: name a new file", path);
    return cli_fail(cli, EX_CANTCREAT, "cannot write %s: %s", path, strerror(error));
}

int output_check_is_new(const struct cli *cli, const char *path)
{
    struct stat found;
    return path && lstat(path, &found) == 0 ? cannot_make(cli, path, EEXIST) : EX_OK;
}

int output_open(const struct cli *cli, const char *path, mode_t mode, FILE **out)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (*out)
        return EX_OK;
    int error = errno;
    if (fd >= 0)
        close(fd);
    return cannot_make(cli, path, error);
}

int output_file(const struct cli *cli, const char *path, struct slice bytes)
{
    FILE *file;
    int code = output_open(cli, path, 0666, &file);
    if (code != EX_OK)
        return code;
    bool written = fwrite(bytes.p, 1, bytes.n, file) == bytes.n;
    int error = errno;
    if (fclose(file) != 0 && written) {
        written = false;
        error = errno;
    }
    if (written)
        return EX_OK;
    unlink(path);
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

/* Those that print "valid", or a word like it, when all holds. */
static bool gives_verdict(const struct cli *cli)
{
    static int (*const all[])(struct cli *) = {verify_run, verify_proof_run, verify_export_run,
                                               replay_run, consistency_run,  mine_run};
    for (size_t i = 0; i < SL_LENGTH(all); i++)
        if (cli->command->run == all[i])
            return true;
    return false;
}

void output_verdict(const struct cli *cli, const char *word, const char *problem)
{
    FILE *stream = gives_verdict(cli) && !cli->json ? stdout : stderr;
    fflush(stdout);
    print_styled(stream, STYLE_BAD, "%s", word);
    fprintf(stream, ": ");
    print_text(stream, slice_of_str(problem));
    fprintf(stream, "\n");
    fflush(stream); /* before what is told on standard error */
}

int output_problem(const struct cli *cli, enum sluis_verify_result result, const char *problem)
{
    if (result == SLUIS_VERIFY_INVALID) {
        output_verdict(cli, "INVALID", problem);
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
