/*
 * init.c - a folder with a configuration that works, its keys, and an example policy
 *
 *     DIR/sluis.yaml  vocabulary.yaml  policies/lotte.yaml
 *     DIR/state/keys/ledger.pem  ledger.vkey  kek.key  pseudonym.key
 *
 * Every file is created exclusively (O_EXCL): what is there already is never overwritten, even by
 * somebody who is faster. The partner's token is printed once and stored nowhere.
 */
#include "base/timestamp.h"
#include "base/utf8.h"
#include "commands.h"
#include "common/terminal.h"
#include "config/keys.h"
#include "config/origin.h"
#include "identify/credential.h"
#include "ledger/note.h"
#include "policy/vocabulary_default.h"
#include "template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIGURATION_BYTES_MAX = 16384 };

struct init {
    const struct cli *cli;
    const char *folder;
    char origin[ORIGIN_BYTES_MAX + 1];
    char token[CREDENTIAL_TOKEN_CHARS + 1];
    char token_hash[7 + 2 * CONFIG_TOKEN_HASH_BYTES + 1];
};

static void path_of(const struct init *init, const char *name, char path[KEYS_PATH_BYTES])
{
    snprintf(path, KEYS_PATH_BYTES, "%s%s%s", init->folder, *name ? "/" : "", name);
}

/* --- the ledger's name ----------------------------------------------------------------------- */

/* <host>/<8 hexadecimal digits>: no two nodes have the same by accident. */
static bool draw_origin(char origin[ORIGIN_BYTES_MAX + 1])
{
    char host[64] = "";
    uint8_t bytes[4];
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "localhost");
    for (char *c = host; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '.';
        if (!plain)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : '-';
    }
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    snprintf(origin, ORIGIN_BYTES_MAX + 1, "%s/%02x%02x%02x%02x", host, bytes[0], bytes[1],
             bytes[2], bytes[3]);
    return true;
}

static int choose_origin(struct init *init)
{
    const char *given = init->cli->values[KEY_ORIGIN];
    if (!given)
        return draw_origin(init->origin)
                   ? EX_OK
                   : cli_fail(init->cli, EX_SOFTWARE, "no random bytes could be had");
    if (!origin_is_valid(slice_of_str(given)))
        return cli_misused(init->cli,
                           "--origin wants a name such as gateway.example/1: " ORIGIN_RULE
                           "; found \"%s\"",
                           given);
    snprintf(init->origin, sizeof init->origin, "%s", given);
    return EX_OK;
}

/* --- folders and files ----------------------------------------------------------------------- */

static int cannot(const struct init *init, const char *doing, const char *path)
{
    int error = errno;
    int code = error == EACCES || error == EPERM ? EX_NOPERM : EX_CANTCREAT;
    return cli_fail(init->cli, code, "cannot %s %s: %s", doing, path, strerror(error));
}

static bool is_empty(const char *folder)
{
    DIR *listing = opendir(folder);
    bool empty = listing != NULL;
    for (struct dirent *entry; empty && (entry = readdir(listing));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (listing)
        closedir(listing);
    return empty;
}

static int make_folders(const struct init *init)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folders[] = {{"policies", 0755}, {"state", 0700}, {"state/keys", 0700}};
    char path[KEYS_PATH_BYTES];
    if (strlen(init->folder) > KEYS_PATH_BYTES / 2)
        return cli_fail(init->cli, EX_CANTCREAT, "the path is too long");
    if (mkdir(init->folder, 0755) != 0 && errno != EEXIST)
        return cannot(init, "make", init->folder);
    if (!is_empty(init->folder))
        return cli_fail(init->cli, EX_CANTCREAT,
                        "%s is not an empty folder, and nothing is ever overwritten; name a new "
                        "one",
                        init->folder);
    for (size_t i = 0; i < SL_LENGTH(folders); i++) {
        path_of(init, folders[i].name, path);
        if (mkdir(path, folders[i].mode) != 0)
            return cannot(init, "make", path);
    }
    return EX_OK;
}

static int write_file(const struct init *init, const char *name, struct slice text)
{
    char path[KEYS_PATH_BYTES];
    path_of(init, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return cannot(init, "make", path);
    ssize_t n = write(fd, text.p, text.n);
    bool done = n >= 0 && (size_t)n == text.n && fsync(fd) == 0;
    if (!done && n >= 0 && (size_t)n < text.n)
        errno = ENOSPC;
    int code = done ? EX_OK : cannot(init, "write", path);
    close(fd);
    return code;
}

/* --- contents -------------------------------------------------------------------------------- */

static int make_keys(const struct init *init)
{
    static const enum state_place secrets[] = {STATE_KEK, STATE_PSEUDONYM_KEY};
    char state[KEYS_PATH_BYTES], path[KEYS_PATH_BYTES], vkey[KEYS_PATH_BYTES];
    path_of(init, "state", state);
    for (size_t i = 0; i < SL_LENGTH(secrets); i++) {
        struct private_file_problem problem = {""};
        if (keys_path(state, secrets[i], path) != SL_OK || keys_create(path, &problem) != SL_OK)
            return cli_fail(init->cli, EX_CANTCREAT, "%s", problem.text);
    }
    struct note_problem problem = {""};
    path_of(init, "state/keys/ledger.vkey", vkey);
    if (keys_path(state, STATE_LEDGER_KEY, path) != SL_OK ||
        note_key_generate(path, vkey, slice_of_str(init->origin), &problem) != SL_OK)
        return cli_fail(init->cli, EX_CANTCREAT, "%s", problem.text);
    return EX_OK;
}

static int draw_token(struct init *init)
{
    uint8_t hash[CONFIG_TOKEN_HASH_BYTES];
    if (credential_new_token(init->token, hash) != SL_OK)
        return cli_fail(init->cli, EX_SOFTWARE, "no random bytes could be had");
    struct writer writer = writer_over(init->token_hash, sizeof init->token_hash - 1);
    write_str(&writer, "sha256:");
    write_hex(&writer, slice_of(hash, sizeof hash));
    init->token_hash[writer.n] = 0;
    return EX_OK;
}

/* The template with a value in the place of each @NAME@. */
static void fill_in(const struct init *init, struct slice text, struct writer *out)
{
    const struct {
        const char *name, *value;
    } places[] = {{"@ORIGIN@", init->origin}, {"@TOKEN_HASH@", init->token_hash}};
    while (text.n > 0) {
        size_t n = 1;
        struct slice piece = slice_of(text.p, 1);
        for (size_t i = 0; i < SL_LENGTH(places); i++) {
            if (!slice_starts_with_str(text, places[i].name))
                continue;
            n = strlen(places[i].name);
            piece = slice_of_str(places[i].value);
        }
        write_bytes(out, piece);
        text = slice_of(text.p + n, text.n - n);
    }
}

static int write_files(const struct init *init)
{
    char room[CONFIGURATION_BYTES_MAX];
    struct writer configuration = writer_over(room, sizeof room);
    fill_in(init, template_configuration(), &configuration);
    SL_ASSERT(!configuration.overflow);
    int code = write_file(init, "vocabulary.yaml", vocabulary_default_text());
    if (code == EX_OK)
        code = write_file(init, "policies/lotte.yaml", template_policy());
    if (code == EX_OK) /* last: where it stands, the rest is there too */
        code = write_file(init, "sluis.yaml", writer_slice(&configuration));
    return code;
}

/* --- what next ------------------------------------------------------------------------------- */

static int say_done(const struct init *init)
{
    if (init->cli->json)
        return cli_print_json(init->cli,
                              json_pack("{s:o, s:s, s:s, s:s}", "folder",
                                        json_of_slice(slice_of_str(init->folder)), "origin",
                                        init->origin, "partner", "soundmap", "token", init->token));
    char folder[2 * KEYS_PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", init->folder);
    printf("Made ");
    print_text(stdout, slice_of_str(folder));
    printf(": a gateway with the ledger %s\n\n", init->origin);
    printf("The token of the partner soundmap, shown this once:\n\n  ");
    print_styled(stdout, STYLE_STRONG, "%s\n\n", init->token);
    printf("Next:\n\n");
    static const char *const next[][2] = {
        {"sluisd -c ", "/sluis.yaml"},
        {"sluis -c ", "/sluis.yaml policy put "},
        {"sluis -c ", "/sluis.yaml subject pseudonym --partner soundmap lotte"},
    };
    for (size_t i = 0; i < SL_LENGTH(next); i++) {
        printf("  %s", next[i][0]);
        print_text(stdout, slice_of_str(folder));
        printf("%s", next[i][1]);
        if (i == 1) {
            print_text(stdout, slice_of_str(folder));
            printf("/policies/lotte.yaml");
        }
        printf("\n");
    }
    return EX_OK;
}

int init_run(struct cli *cli)
{
    struct init init = {.cli = cli, .folder = cli->arguments[0]};
    int code = choose_origin(&init);
    if (code == EX_OK)
        code = make_folders(&init);
    if (code == EX_OK)
        code = make_keys(&init);
    if (code == EX_OK)
        code = draw_token(&init);
    if (code == EX_OK)
        code = write_files(&init);
    if (code == EX_OK)
        code = say_done(&init);
    OPENSSL_cleanse(init.token, sizeof init.token);
    return code;
}
