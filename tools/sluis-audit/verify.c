/*
 * verify.c - the whole ledger, and one word at the end: valid, invalid, or not checked
 */
#include "base/limits.h"
#include "base/plural.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "ledger.h"
#include "output.h"

/* Enough for eleven million receipts in one pass. */
enum { TAG_MEMORY_MIB = 48 };

static struct slice root_text(const struct sluis_verify_report *report, char room[64])
{
    struct writer writer = writer_over(room, 64);
    write_base64(&writer, slice_of(report->root, sizeof report->root));
    return writer_slice(&writer);
}

static void print_heads(const struct sluis_verify_report *report)
{
    unsigned long long n_newer = report->n_receipts - report->headed_end;
    if (report->n_epochs == 0)
        printf("  heads       none yet: no account so far of how many receipts each person had\n");
    else
        printf("  heads       of %llu %s, sorted and adding up; they cover the first %llu %s, not "
               "the newest %llu\n",
               (unsigned long long)report->n_epochs, plural(report->n_epochs, "epoch", "epochs"),
               (unsigned long long)report->headed_end,
               plural(report->headed_end, "receipt", "receipts"), n_newer);
}

/* Nothing when there was only ever the one key that was given. */
static void print_keys(const struct sluis_verify_report *report)
{
    if (report->n_keys > 1) {
        printf("  keys        %llu; receipt %llu went over to the newest:\n              ",
               (unsigned long long)report->n_keys, (unsigned long long)report->key_receipt);
        print_text(stdout, slice_of_str(report->vkey));
        printf("\n");
    }
    if (report->n_older > 0) {
        printf("  older key   not given: it signed the checkpoints up to receipt %llu, and they "
               "were not checked.\n              The receipts were, under the later key. To check "
               "all, put this line first in the key\n              file, if somebody you trust "
               "knows it as this ledger's:\n              ",
               (unsigned long long)report->n_older - 1);
        print_text(stdout, slice_of_str(report->older_vkey));
        printf("\n");
    }
}

/* Whoever has an older key can sign a fork under it, and an honest copy from before looks the same.
 */
static void print_unmet(const struct ledger_source *source,
                        const struct sluis_verify_report *report)
{
    if (report->n_unmet == 0)
        return;
    print_styled(stdout, STYLE_WARN, "  NOT IN USE");
    printf("  %llu of the %zu keys given: this ledger never went over to %s. It is from before\n"
           "              that, or was forked by somebody who has the older key. Compare with a "
           "checkpoint\n              under the newer key (`sluis-audit consistency')\n",
           (unsigned long long)report->n_unmet, source->n_vkeys,
           report->n_unmet == 1 ? "it" : "them");
}

/* Tiles alone do not show how often a tag is used; the lists may be served beside them. */
static void print_remote_facts(const struct ledger_source *source,
                               const struct sluis_verify_report *report)
{
    printf("  tags        not checked over HTTP; for that a copy of the folder is needed\n");
    if (source->n_heads_lacking == 0)
        print_heads(report);
    else
        printf("  heads       not checked: of %llu %s, %llu not served here\n",
               (unsigned long long)report->n_epochs, plural(report->n_epochs, "list", "lists"),
               (unsigned long long)source->n_heads_lacking);
}

/* What is seen by who reads every byte of a folder. */
static void print_folder_facts(const struct sluis_verify_report *report)
{
    printf("  tags        none is under two receipts\n");
    print_heads(report);
    report_print_beyond(report);
    print_keys(report);
}

static void print_report(const struct ledger_source *source,
                         const struct sluis_verify_report *report)
{
    char room[64];
    struct slice root = root_text(report, room);
    print_styled(stdout, STYLE_GOOD, "valid");
    printf("\n  ledger      ");
    print_text(stdout, slice_of_str(report->origin));
    printf("\n  receipts    %llu\n", (unsigned long long)report->n_receipts);
    if (!source->is_remote)
        printf("  batches     %llu, each under a signed checkpoint\n  segments    %llu\n",
               (unsigned long long)report->n_batches, (unsigned long long)report->n_segments);
    printf("  root        %.*s\n  checkpoint  the newest is of size %llu\n", SLICE_PRINTF(root),
           (unsigned long long)report->n_receipts);
    if (source->is_remote)
        print_remote_facts(source, report);
    else
        print_folder_facts(report);
    print_unmet(source, report);
}

/* What only a folder has, or was not served. */
static void forget_folder_facts(const struct ledger_source *source, json_t *answer)
{
    static const char *const names[] = {"batches", "segments", "keys", "epochs", "covered"};
    size_t n = source->n_heads_lacking > 0 ? SL_LENGTH(names) : 3;
    for (size_t i = 0; i < n; i++)
        json_object_set_new(answer, names[i], json_null());
}

static json_t *report_json(enum sluis_verify_result result,
                           const struct sluis_verify_report *report)
{
    char room[64];
    json_t *answer = json_pack(
        "{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "result", output_result_name(result), "origin",
        json_of_slice_or_null(slice_of_str(report->origin)), "receipts",
        (json_int_t)report->n_receipts, "batches", (json_int_t)report->n_batches, "segments",
        (json_int_t)report->n_segments, "epochs", (json_int_t)report->n_epochs, "covered",
        (json_int_t)report->headed_end, "root", json_of_slice(root_text(report, room)));
    json_object_set_new(answer, "keys", json_integer((json_int_t)report->n_keys));
    json_object_set_new(answer, "keys_not_in_use", json_of_u64(report->n_unmet));
    if (report->n_keys > 0)
        json_object_set_new(answer, "newest_key", json_of_slice(slice_of_str(report->vkey)));
    if (report->n_keys > 1)
        json_object_set_new(answer, "newest_key_receipt",
                            json_integer((json_int_t)report->key_receipt));
    if (report->has_list_beyond) {
        json_object_set_new(answer, "list_beyond", json_of_u64(report->list_beyond));
        json_object_set_new(answer, "list_beyond_end",
                            report->list_beyond_end ? json_of_u64(report->list_beyond_end)
                                                    : json_null());
    }
    if (report->n_older > 0) {
        json_object_set_new(answer, "older", json_integer((json_int_t)report->n_older));
        json_object_set_new(answer, "older_key", json_of_slice(slice_of_str(report->older_vkey)));
    }
    if (result == SLUIS_VERIFY_VALID)
        return answer;
    json_object_set_new(answer, "problem", json_of_slice(slice_of_str(report->problem)));
    json_object_set_new(answer, "segment", json_of_slice_or_null(slice_of_str(report->segment)));
    json_object_set_new(answer, "byte", json_integer((json_int_t)report->segment_offset));
    json_object_set_new(answer, "batch", json_integer((json_int_t)report->batch));
    json_object_set_new(answer, "receipt", json_integer((json_int_t)report->receipt));
    if (report->repeats_tag)
        json_object_set_new(answer, "same_tag_as", json_integer((json_int_t)report->tag_receipt));
    return answer;
}

static int read_memory(const struct cli *cli, size_t *bytes)
{
    uint64_t mib = TAG_MEMORY_MIB;
    if (cli->given[KEY_MEMORY] &&
        !cli_value_u64(cli, KEY_MEMORY, "--memory", LIMIT_MAX_audit_memory_mib, &mib))
        return EX_USAGE;
    if (mib == 0)
        return cli_misused(cli, "--memory wants at least 1 (MiB), found 0");
    *bytes = (size_t)mib << 20;
    return EX_OK;
}

int verify_run(struct cli *cli)
{
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "verify with which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    struct ledger_source source = {0};
    int code = read_memory(cli, &source.tag_memory_bytes);
    if (code == EX_OK)
        code = ledger_source_init(&source, cli, cli->arguments[0]);
    if (code != EX_OK)
        return code;
    source.check_heads = source.can_lack_heads = true;
    struct sluis_verify_report report = {0};
    enum sluis_verify_result result = ledger_verify(&source, NULL, NULL, &report);
    if (result != SLUIS_VERIFY_VALID)
        report_print_problem(cli, result, &report);
    if (cli->json) {
        json_t *answer = report_json(result, &report);
        if (source.is_remote)
            forget_folder_facts(&source, answer);
        code = cli_print_json(cli, answer);
        return code == EX_OK ? (int)result : code;
    }
    if (result == SLUIS_VERIFY_VALID)
        print_report(&source, &report);
    return (int)result;
}
