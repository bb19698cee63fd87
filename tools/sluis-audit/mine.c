/*
 * mine.c - a subject's receipts, by its own key
 *
 * The whole ledger is checked on the way, with the lists of heads: a subject should not have to
 * trust anybody that the receipts it is shown are those that were signed. What is the subject's is
 * kept until the end, because a receipt means something only when the ledger around it holds.
 */
#include "mine.h"

#include "base/private_file.h"
#include "commands.h"
#include "file_kind.h"
#include "ledger/subject_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mining {
    struct ledger_source source;
    struct slice origin;
    int ledger_fd;
    struct mine *mine;
    struct mine_rows rows;
    int code;
};

static bool fail(struct mining *mining, const char *text)
{
    mining->code = cli_fail(mining->source.cli, AUDIT_UNCHECKED, "could not check: %s", text);
    return false;
}

static bool keep(struct mining *mining, uint64_t index, uint64_t number, struct slice bytes)
{
    struct mine_rows *rows = &mining->rows;
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : 64;
        struct mine_row *list = reallocarray(rows->list, cap, sizeof *list);
        if (!list)
            return fail(mining, "out of memory");
        rows->list = list;
        rows->cap = cap;
    }
    uint8_t *copy = malloc(bytes.n);
    if (!copy)
        return fail(mining, "out of memory");
    memcpy(copy, bytes.p, bytes.n);
    rows->list[rows->n++] = (struct mine_row){index, number, bytes.n, copy};
    return true;
}

/* Their list was checked before they come here. */
static bool take_heads(struct mining *mining, uint64_t index, const struct leaf_heads *heads)
{
    struct heads_file file;
    const struct ledger_source *source = &mining->source;
    enum heads_check check =
        source->is_remote
            ? heads_file_open_fd(&file, dup(source->heads_fd), heads->epoch, mining->origin)
            : heads_file_open(&file, mining->ledger_fd, heads->epoch, mining->origin);
    if (check == HEADS_SOUND)
        check = mine_take_heads(mining->mine, index, heads, &file);
    heads_file_close(&file);
    return check == HEADS_SOUND || fail(mining, file.problem[0] ? file.problem : "out of memory");
}

static bool take_leaf(void *context, uint64_t index, struct slice bytes)
{
    struct mining *mining = context;
    struct leaf leaf;
    bool is_mine = false;
    uint64_t number = 0;
    SL_ASSERT(leaf_parse(bytes, &leaf) == SL_OK); /* proven */
    if (leaf.kind == LEAF_HEADS)
        return take_heads(mining, index, &leaf.heads);
    if (mine_take(mining->mine, index, &leaf, &is_mine, &number) != SL_OK)
        return fail(mining, "out of memory");
    return !is_mine || keep(mining, index, number, bytes);
}

static int open_ledger(struct mining *mining, const struct subject_key *key)
{
    struct ledger_source *source = &mining->source;
    struct vkey vkey;
    SL_ASSERT(vkey_parse(key->ledger, &vkey) == SL_OK); /* subject_key_parse() saw to it */
    SL_ASSERT(key->ledger.p && key->ledger.n < sizeof source->vkey);
    memcpy(source->vkey, key->ledger.p, key->ledger.n);
    source->has_key = source->check_heads = true;
    mining->origin = vkey.name;
    if (!source->is_remote)
        mining->ledger_fd = open(source->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!source->is_remote && mining->ledger_fd < 0)
        return cli_fail(source->cli, AUDIT_UNCHECKED, "cannot open the ledger folder %s: %s",
                        source->folder, strerror(errno));
    if (mine_new(key->key, &mining->mine) != SL_OK)
        return cli_fail(source->cli, AUDIT_UNCHECKED, "out of memory");
    return EX_OK;
}

static int mine_with(struct mining *mining, const struct subject_key *key)
{
    const struct cli *cli = mining->source.cli;
    struct sluis_verify_report report = {0};
    int code = open_ledger(mining, key);
    if (code != EX_OK)
        return code;
    enum sluis_verify_result result = ledger_verify(&mining->source, take_leaf, mining, &report);
    if (mining->code != EX_OK)
        return mining->code;
    struct mine_result found = mine_result(mining->mine);
    return mine_report(cli, &mining->rows, &found, result, &report);
}

/*
 * What is plainly another file is named before anything is said of its mode: the public key is for
 * everybody, and need not be private.
 */
static int check_kind(const struct cli *cli, const char *path,
                      uint8_t text[SUBJECT_KEY_FILE_BYTES_MAX])
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return EX_OK; /* the reason is said when it is read */
    size_t n = fread(text, 1, SUBJECT_KEY_FILE_BYTES_MAX, file);
    bool is_folder = ferror(file) && errno == EISDIR;
    fclose(file);
    enum file_kind kind = file_kind_of(slice_of(text, n));
    OPENSSL_cleanse(text, SUBJECT_KEY_FILE_BYTES_MAX);
    if (!is_folder && (kind == FILE_SUBJECT_KEY || kind == FILE_OTHER))
        return EX_OK;
    return cli_fail(cli, AUDIT_UNCHECKED,
                    "%s is %s; `mine' wants --key FILE with your own key, as the operator hands it "
                    "out with `sluis subject key' (the ledger's public key is in it)",
                    path, is_folder ? "a folder" : file_kind_name(kind));
}

static int read_key(const struct cli *cli, uint8_t text[SUBJECT_KEY_FILE_BYTES_MAX],
                    struct subject_key *key)
{
    const char *path = cli->values[KEY_KEY];
    struct private_file_problem problem;
    size_t n = 0;
    int code = check_kind(cli, path, text);
    if (code != EX_OK)
        return code;
    if (private_file_read(path, text, SUBJECT_KEY_FILE_BYTES_MAX, &n, &problem) != SL_OK)
        return cli_fail(cli, AUDIT_UNCHECKED, "%s", problem.text);
    if (subject_key_parse(slice_of(text, n), key) != SL_OK)
        return cli_fail(cli, AUDIT_UNCHECKED,
                        "%s is not a subject's key; expected the three lines that `sluis subject "
                        "key` writes, \"sluis subject key v1\" being the first",
                        path);
    return EX_OK;
}

int mine_run(struct cli *cli)
{
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "whose receipts? add --key FILE, which the operator gives you with "
                                "`sluis subject key'");
    struct mining mining = {.ledger_fd = -1};
    struct subject_key key = {0};
    uint8_t text[SUBJECT_KEY_FILE_BYTES_MAX];
    int code = ledger_source_folder(&mining.source, cli, cli->arguments[0]);
    if (code == EX_OK)
        code = read_key(cli, text, &key);
    if (code == EX_OK)
        code = mine_with(&mining, &key);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(&key, sizeof key);
    mine_free(mining.mine);
    for (size_t i = 0; i < mining.rows.n; i++)
        free(mining.rows.list[i].bytes);
    free(mining.rows.list);
    if (mining.ledger_fd >= 0)
        close(mining.ledger_fd);
    return code;
}
