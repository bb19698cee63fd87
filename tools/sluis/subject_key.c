/*
 * subject_key.c - gives a subject its own key, with which it finds its receipts
 *
 * The gateway keeps K_s to make tags and commitments; the subject may have a copy, and with it sees
 * what nobody else sees: which receipts are theirs, that none is missing, what they pin. Who else
 * gets hold of it sees the same. So the file is for its owner alone, and the warning is printed
 * every time.
 */
#include "ledger/subject_key.h"

#include "base/private_file.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "ledger/vkey_list.h"
#include "workspace.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void warn(const char *subject)
{
    fprintf(stderr, "sluis: whoever has this key can pick out every receipt of ");
    print_text(stderr, slice_of_str(subject));
    fprintf(stderr,
            " from the ledger, past and\n"
            "       to come, and prove what it pins. It can't be changed, and erasing the\n"
            "       subject does not take it back. Hand it to nobody else, over a way that\n"
            "       nobody else reads, and keep no copy.\n");
}

/* The ledger's first key: from there on a verifier finds the others by itself. */
static int read_first_vkey(const struct workspace *workspace, uint8_t **text, struct slice *vkey)
{
    char path[4096];
    size_t n = 0, line = 0;
    workspace_path(workspace, "keys/ledger.vkey", path, sizeof path);
    int code = textfile_read(workspace->cli, path, VKEY_LIST_BYTES_MAX, text, &n);
    if (code != EX_OK)
        return code;
    struct vkey_list *list = malloc(sizeof *list);
    if (!list)
        return cli_fail(workspace->cli, EX_SOFTWARE, "out of memory");
    bool good = vkey_list_parse(slice_of(*text, n), list, &line) == SL_OK;
    free(list);
    if (!good)
        return cli_fail(workspace->cli, EX_DATAERR,
                        "%s: line %zu is not a public key of the ledger; restore the file from a "
                        "copy of the state folder",
                        path, line);
    const uint8_t *end = memchr(*text, '\n', n);
    *vkey = slice_of(*text, end ? (size_t)(end - *text) : n);
    if (vkey->n > 0 && vkey->p[vkey->n - 1] == '\r')
        vkey->n--;
    return EX_OK;
}

static int write_key(const struct cli *cli, struct slice text)
{
    const char *path = cli->values[KEY_OUTPUT];
    if (!path) {
        fwrite(text.p, 1, text.n, stdout);
        return fflush(stdout) == 0 ? EX_OK : cli_fail(cli, EX_IOERR, "the key can't be written");
    }
    struct private_file_problem problem;
    if (private_file_create(path, text, &problem) != SL_OK)
        return cli_fail(cli, EX_CANTCREAT, "%s", problem.text);
    return EX_OK;
}

static int write_json(const struct cli *cli, const struct subject_key *key, struct slice text)
{
    if (cli->values[KEY_OUTPUT])
        return cli_print_json(cli, json_pack("{s:s, s:o, s:s}", "subject", cli->arguments[0],
                                             "ledger", json_of_slice(key->ledger), "file",
                                             cli->values[KEY_OUTPUT]));
    return cli_print_json(cli,
                          json_pack("{s:s, s:o, s:o}", "subject", cli->arguments[0], "ledger",
                                    json_of_slice(key->ledger), "key_file", json_of_slice(text)));
}

static int give_key(struct workspace *workspace, struct slice vkey)
{
    const struct cli *cli = workspace->cli;
    uint8_t id[STORE_SUBJECT_ID_BYTES], block[SUBJECT_KEY_FILE_BYTES_MAX];
    struct subject_key key = {.ledger = vkey};
    struct writer writer = writer_over(block, sizeof block);
    int code = workspace_find(workspace, cli->arguments[0], id);
    if (code != EX_OK)
        return code;
    if (store_subject_key(workspace->reader, id, key.key) != SL_OK)
        return workspace_store_failed(workspace);
    subject_key_write(&key, &writer);
    SL_ASSERT(!writer.overflow);
    bool to_file = cli->values[KEY_OUTPUT] != NULL;
    if (to_file || !cli->json)
        code = write_key(cli, writer_slice(&writer));
    if (code == EX_OK && cli->json)
        code = write_json(cli, &key, writer_slice(&writer));
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&key, sizeof key);
    if (code == EX_OK)
        warn(cli->arguments[0]);
    return code;
}

int subject_key_run(struct cli *cli)
{
    struct workspace workspace = {0};
    uint8_t *text = NULL;
    struct slice vkey = {0};
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = read_first_vkey(&workspace, &text, &vkey);
    if (code == EX_OK)
        code = give_key(&workspace, vkey);
    free(text);
    workspace_close(&workspace);
    return code;
}
