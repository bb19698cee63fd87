/*
 * evidence.c - what an auditor needs to repeat decisions, in one file
 *
 * The ledger holds commitments; what they commit to is in the store: keys, policies, vocabularies.
 * This writes it out, beside a running sluisd. How far the ledger was is asked before the
 * store is read: a change is committed to the store before the ledger records it, so every change
 * among those receipts is found.
 *
 * The file opens what the ledger keeps closed. It is made for its owner's eyes alone (0600), never
 * over another file, and what it holds is said.
 */
#include "evidence/line.h"
#include "evidence/statement.h"

#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "ledger/basis.h"
#include "ledger/folder_reader.h"
#include "ledger/note.h"
#include "ledger/vkey_list.h"
#include "policy/timezone.h"
#include "workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct exporting {
    struct workspace workspace;
    uint64_t n_receipts;
    uint8_t *keys; /* ledger.vkey, without blanks at its end */
    size_t keys_n;
    FILE *file;
    uint8_t *block; /* one line */
    struct evidence_end end;
    int code;
};

static int put_line(struct exporting *exporting, const struct evidence_line *line)
{
    struct writer writer = writer_over(exporting->block, EVIDENCE_LINE_BYTES_MAX);
    evidence_line_write(line, &writer);
    if (writer.overflow)
        return cli_fail(exporting->workspace.cli, EX_SOFTWARE, "a line has more than %d bytes",
                        EVIDENCE_LINE_BYTES_MAX);
    if (fwrite(exporting->block, 1, writer.n, exporting->file) != writer.n)
        return cli_fail(exporting->workspace.cli, EX_IOERR, "cannot write %s: %s",
                        exporting->workspace.cli->values[KEY_OUTPUT], strerror(errno));
    return EX_OK;
}

/* ----------------------------------------------------------------------------------- head -- */

static size_t list_apps(const struct config *config, struct evidence_party *out)
{
    for (size_t i = 0; i < config->n_apps; i++)
        out[i] = (struct evidence_party){config->apps[i].id, config->apps[i].label};
    return config->n_apps;
}

static size_t list_partners(const struct config *config, struct evidence_party *out)
{
    for (size_t i = 0; i < config->n_partners; i++)
        out[i] = (struct evidence_party){config->partners[i].id, config->partners[i].label};
    return config->n_partners;
}

/*
 * Controller and labels are in no receipt: the ledger's key stands for them. Where it can't be
 * read, as beside a copy without it, decisions can be repeated all the same.
 */
static void sign_statement(const struct exporting *exporting, struct evidence_head *head)
{
    static uint8_t text[NOTE_BYTES_MAX / 2], note[NOTE_BYTES_MAX];
    const struct statement statement = {.origin = head->origin,
                                        .time_ms = head->time_ms,
                                        .controller = head->controller,
                                        .n_apps = head->n_apps,
                                        .n_partners = head->n_partners,
                                        .apps = head->apps,
                                        .partners = head->partners};
    struct writer text_writer = writer_over(text, sizeof text);
    struct writer writer = writer_over(note, sizeof note);
    SL_AUTO(note_signer) signer = NULL;
    struct note_problem problem = {""};
    char path[4096];
    workspace_path(&exporting->workspace, "keys/ledger.pem", path, sizeof path);
    if (note_signer_open(path, head->origin, &problem, &signer) == SL_OK &&
        statement_write(&statement, &text_writer) == SL_OK && !text_writer.overflow &&
        note_sign(signer, writer_slice(&text_writer), &writer) == SL_OK && !writer.overflow)
        head->statement = writer_slice(&writer);
    else
        fprintf(stderr,
                "sluis: who runs the gateway is not signed: %s. The evidence can be replayed, but "
                "makes no consent receipts (Kantara, DPV)\n",
                problem.text[0] ? problem.text : "it is too long");
}

static int put_head(struct exporting *exporting, bool is_whole)
{
    static struct evidence_party apps[LIMIT_MAX_config_apps], partners[LIMIT_MAX_config_partners];
    const struct config *config = exporting->workspace.config;
    char release[TIMEZONE_RELEASE_BYTES + 1] = "";
    (void)timezone_release(release);
    struct evidence_line line = {
        .kind = EVIDENCE_HEAD,
        .head = {.origin = config->origin,
                 .vkey = slice_of(exporting->keys, exporting->keys_n),
                 .time_ms = clock_now_ms(),
                 .n_receipts = exporting->n_receipts,
                 .is_whole = is_whole,
                 .tzdata = slice_of_str(release),
                 .has_controller = config->has_controller,
                 .controller = config->controller,
                 .apps = apps,
                 .partners = partners},
    };
    line.head.n_apps = list_apps(config, apps);
    line.head.n_partners = list_partners(config, partners);
    sign_statement(exporting, &line.head);
    return put_line(exporting, &line);
}

/* ---------------------------------------------------------------------------- vocabularies -- */

struct words {
    uint32_t version;
    uint8_t sha256[SHA256_BYTES];
    struct words *next;
};

struct word_list {
    struct exporting *exporting;
    struct words *first;
};

static bool put_vocabulary(void *context, uint32_t version, const uint8_t sha256[SHA256_BYTES],
                           struct slice text)
{
    struct word_list *list = context;
    struct evidence_line line = {.kind = EVIDENCE_VOCABULARY,
                                 .vocabulary = {.version = version, .text = text}};
    memcpy(line.vocabulary.sha256, sha256, SHA256_BYTES);
    struct words *words = malloc(sizeof *words);
    if (!words) {
        list->exporting->code =
            cli_fail(list->exporting->workspace.cli, EX_SOFTWARE, "out of memory");
        return false;
    }
    *words = (struct words){.version = version, .next = list->first};
    memcpy(words->sha256, sha256, SHA256_BYTES);
    list->first = words;
    list->exporting->code = put_line(list->exporting, &line);
    return list->exporting->code == EX_OK;
}

/*
 * Which vocabulary the version was written under: the one with which its texts have the archived
 * digest. When the archive is damaged there is none; then one of that number.
 */
static const struct words *find_words(const struct word_list *list,
                                      const struct store_version *version)
{
    const struct words *of_number = NULL;
    for (const struct words *words = list->first; words; words = words->next) {
        uint8_t digest[SHA256_BYTES];
        if (words->version != version->vocabulary_version)
            continue;
        of_number = words;
        basis_policy_digest(version->yaml, version->blob, words->sha256, digest);
        if (memcmp(digest, version->policy_digest, sizeof digest) == 0)
            return words;
    }
    return of_number;
}

/* -------------------------------------------------------------------------------- subjects -- */

static int put_version(struct exporting *exporting, const struct word_list *list,
                       const struct store_version *version)
{
    struct evidence_line line = {.kind = EVIDENCE_POLICY,
                                 .policy = {.version = version->version,
                                            .time_ms = version->time_ms,
                                            .is_kept = version->yaml.n > 0,
                                            .yaml = version->yaml,
                                            .blob = version->blob}};
    memcpy(line.policy.digest, version->policy_digest, SHA256_BYTES);
    const struct words *words = find_words(list, version);
    line.policy.has_vocabulary = words != NULL;
    if (words)
        memcpy(line.policy.vocabulary, words->sha256, SHA256_BYTES);
    exporting->end.n_policies++;
    return put_line(exporting, &line);
}

static int put_versions(struct exporting *exporting, const struct word_list *list,
                        const uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t newest)
{
    int code = EX_OK;
    for (uint64_t number = 1; number <= newest && code == EX_OK; number++) {
        struct store_version version;
        bool found = false;
        if (store_version_get(exporting->workspace.reader, id, number, &version, &found) != SL_OK)
            return workspace_store_failed(&exporting->workspace);
        if (!found)
            return cli_fail(exporting->workspace.cli, EX_DATAERR,
                            "version %llu of a policy is missing from the store, which is damaged",
                            (unsigned long long)number);
        code = put_version(exporting, list, &version);
    }
    return code;
}

/* One that was erased since the list was made is left out. */
static int put_subject(struct exporting *exporting, const struct word_list *list,
                       const struct workspace_subject *row)
{
    struct evidence_line line = {.kind = EVIDENCE_SUBJECT,
                                 .subject = {.name = slice_of_str(row->name)}};
    struct store_subject subject;
    enum sl_err err = store_read(exporting->workspace.reader, row->id, &subject);
    if (err == SL_OK && subject.found)
        err = store_subject_key(exporting->workspace.reader, row->id, line.subject.key);
    if (err != SL_OK)
        return workspace_store_failed(&exporting->workspace);
    int code = EX_OK;
    if (subject.found) {
        exporting->end.n_subjects++;
        code = put_line(exporting, &line);
        OPENSSL_cleanse(line.subject.key, sizeof line.subject.key);
    }
    if (subject.found && code == EX_OK)
        code = put_versions(exporting, list, row->id, subject.version);
    store_read_end(exporting->workspace.reader);
    return code;
}

/* All, or the one that was asked for. */
static int put_subjects(struct exporting *exporting, const struct word_list *list)
{
    struct workspace *workspace = &exporting->workspace;
    const char *wanted = workspace->cli->values[KEY_SUBJECT];
    if (wanted) {
        struct workspace_subject row;
        snprintf(row.name, sizeof row.name, "%s", wanted);
        int code = workspace_find(workspace, wanted, row.id);
        return code == EX_OK ? put_subject(exporting, list, &row) : code;
    }
    struct workspace_subject *rows = NULL;
    size_t n = 0;
    int code = workspace_subjects(workspace, &rows, &n);
    struct progress progress = {.what = "writing"};
    for (size_t i = 0; i < n && code == EX_OK; i++) {
        code = put_subject(exporting, list, &rows[i]);
        progress_show(&progress, i + 1, n);
    }
    progress_clear(&progress);
    free(rows);
    return code;
}

static int put_all(struct exporting *exporting)
{
    struct store_reader *reader = exporting->workspace.reader;
    struct word_list list = {.exporting = exporting};
    int code = put_head(exporting, !exporting->workspace.cli->given[KEY_SUBJECT]);
    if (code == EX_OK && reader && store_each_vocabulary(reader, put_vocabulary, &list) != SL_OK)
        code = workspace_store_failed(&exporting->workspace);
    if (code == EX_OK)
        code = exporting->code;
    if (code == EX_OK)
        code = put_subjects(exporting, &list);
    while (list.first) {
        struct words *next = list.first->next;
        free(list.first);
        list.first = next;
    }
    if (code != EX_OK)
        return code;
    const struct evidence_line line = {.kind = EVIDENCE_END, .end = exporting->end};
    return put_line(exporting, &line);
}

/* ---------------------------------------------------------------------------------- ledger -- */

static int read_keys(struct exporting *exporting)
{
    char path[4096];
    workspace_path(&exporting->workspace, "keys/ledger.vkey", path, sizeof path);
    int code = textfile_read(exporting->workspace.cli, path, VKEY_LIST_BYTES_MAX, &exporting->keys,
                             &exporting->keys_n);
    while (code == EX_OK && exporting->keys_n > 0 &&
           strchr("\r\n", exporting->keys[exporting->keys_n - 1]))
        exporting->keys_n--;
    return code;
}

/* From the folder, when no sluisd is there to be asked. */
static int count_on_disk(struct exporting *exporting)
{
    struct workspace *workspace = &exporting->workspace;
    char folder[4096], index_folder[4096];
    workspace_path(workspace, "ledger", folder, sizeof folder);
    workspace_path(workspace, "index", index_folder, sizeof index_folder);
    if (access(folder, F_OK) != 0)
        return EX_OK; /* nothing was ever recorded */
    SL_AUTO(ledger_reader) reader = NULL;
    static struct vkey_list keys; /* it is large */
    struct ledger_problem problem = {""};
    size_t line;
    enum sl_err err = vkey_list_parse(slice_of(exporting->keys, exporting->keys_n), &keys, &line);
    if (err == SL_OK)
        err = folder_reader_open(folder, index_folder, &keys, &problem, &reader);
    if (err != SL_OK)
        return cli_fail(workspace->cli, exit_code_of(err), "%s: %s", folder,
                        problem.text[0] ? problem.text : "keys/ledger.vkey is no key of a ledger");
    struct ledger_head head;
    ledger_reader_head(reader, &head);
    exporting->n_receipts = head.tree.size;
    return EX_OK;
}

static int count_receipts(struct exporting *exporting)
{
    json_t *answer = NULL;
    if (!ask_daemon(exporting->workspace.config, json_pack("{s:s}", "call", "status"), &answer))
        return count_on_disk(exporting);
    json_int_t n = json_integer_value(json_object_get(answer, "receipts"));
    exporting->n_receipts = n > 0 ? (uint64_t)n : 0;
    json_decref(answer);
    return EX_OK;
}

/* ------------------------------------------------------------------------------------ file -- */

static int write_file(struct exporting *exporting)
{
    const struct cli *cli = exporting->workspace.cli;
    const char *path = cli->values[KEY_OUTPUT];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_fail(cli, EX_CANTCREAT, "cannot make %s: %s%s", path, strerror(errno),
                        errno == EEXIST ? "; nothing is ever overwritten" : "");
    exporting->file = fdopen(fd, "w");
    exporting->block = malloc(EVIDENCE_LINE_BYTES_MAX);
    int code = exporting->file && exporting->block ? put_all(exporting)
                                                   : cli_fail(cli, EX_SOFTWARE, "out of memory");
    if (!exporting->file)
        close(fd);
    else if (fclose(exporting->file) != 0 && code == EX_OK)
        code = cli_fail(cli, EX_IOERR, "cannot write %s: %s", path, strerror(errno));
    if (exporting->block)
        OPENSSL_cleanse(exporting->block, EVIDENCE_LINE_BYTES_MAX);
    free(exporting->block);
    if (code != EX_OK)
        unlink(path);
    return code;
}

static int say_done(const struct exporting *exporting)
{
    const struct cli *cli = exporting->workspace.cli;
    const struct evidence_end *end = &exporting->end;
    if (cli->json)
        return cli_print_json(
            cli, json_pack("{s:s, s:I, s:I, s:I}", "file", cli->values[KEY_OUTPUT], "subjects",
                           (json_int_t)end->n_subjects, "policies", (json_int_t)end->n_policies,
                           "receipts", (json_int_t)exporting->n_receipts));
    print_text(stdout, slice_of_str(cli->values[KEY_OUTPUT]));
    printf(": %llu %s, %llu policy %s, for the first %llu %s\n",
           (unsigned long long)end->n_subjects, plural(end->n_subjects, "subject", "subjects"),
           (unsigned long long)end->n_policies, plural(end->n_policies, "version", "versions"),
           (unsigned long long)exporting->n_receipts,
           plural(exporting->n_receipts, "receipt", "receipts"));
    fprintf(stderr,
            "sluis: this file holds names, policies and keys: with it, everyone can tell which "
            "receipts are %s. Give it only to whom it is meant for, and delete it afterwards\n",
            cli->given[KEY_SUBJECT] ? "this person's" : "whose");
    return EX_OK;
}

int evidence_export_run(struct cli *cli)
{
    if (!cli->given[KEY_OUTPUT])
        return cli_misused(cli, "into which file? add -o FILE");
    struct exporting exporting = {0};
    int code = workspace_open_config(&exporting.workspace, cli);
    if (code == EX_OK)
        code = read_keys(&exporting);
    if (code == EX_OK)
        code = count_receipts(&exporting);
    workspace_close(&exporting.workspace);
    if (code == EX_OK)
        code = workspace_open_store(&exporting.workspace, cli);
    if (code == EX_OK)
        code = write_file(&exporting);
    if (code == EX_OK)
        code = say_done(&exporting);
    free(exporting.keys);
    workspace_close(&exporting.workspace);
    return code;
}
