/*
 * show.c - one receipt, explained line by line
 *
 * What stands in the ledger is shown beside what it means, so that somebody who has never seen a
 * receipt can tell what it proves and what it does not tell: the person is not in it, and the
 * data is not either.
 */
#include "base/plural.h"
#include "base/sha256.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "ledger.h"
#include "ledger/leaf.h"

#include <string.h>

struct shown {
    uint64_t index;
    bool found;
    size_t n_bytes;
    uint8_t bytes[LEAF_BYTES_MAX];
};

static bool keep_one(void *context, uint64_t index, struct slice leaf)
{
    struct shown *shown = context;
    if (index < shown->index)
        return true;
    if (index == shown->index && leaf.n <= sizeof shown->bytes) {
        memcpy(shown->bytes, leaf.p, leaf.n);
        shown->n_bytes = leaf.n;
        shown->found = true;
    }
    return false;
}

/* --- in words -------------------------------------------------------------------------------- */

static void print_row(const char *name, struct slice value, const char *meaning)
{
    printf("  %-10s ", name);
    print_text(stdout, value);
    if (*meaning) {
        printf("%s", value.n > 0 ? "  " : "");
        print_styled(stdout, STYLE_FAINT, "%s", meaning);
    }
    printf("\n");
}

/* The member as text without JSON's escapes, or the empty slice. */
static struct slice text_of(const json_t *receipt, const char *name)
{
    const json_t *member = json_object_get(receipt, name);
    return slice_of(json_string_value(member), json_string_length(member));
}

/* "left coarsened to 5000m 900s (metres of a grid, seconds of a step)" */
static void print_coarsened(struct slice text)
{
    static const char *const meanings[N_COARSE] = {
        [COARSE_PRECISION] = "metres of a grid",
        [COARSE_TIME] = "seconds of a step",
        [COARSE_CUT] = "metres cut around both ends",
        [COARSE_BUCKET] = "step of a number",
        [COARSE_TOP] = "so many of a list",
        [COARSE_REDACT] = "addresses and numbers taken out",
    };
    struct coarse_done done = {0};
    SL_ASSERT(coarse_done_parse(text, &done)); /* leaf_parse() took it */
    printf("left coarsened to %.*s (", SLICE_PRINTF(text));
    const char *comma = "";
    for (unsigned i = 0; i < N_COARSE; i++) {
        if (done.coarseness.by[i] > 0) {
            printf("%s%s", comma, meanings[i]);
            comma = ", ";
        }
    }
    if (done.group > 0)
        printf("%sonly in a figure about so many people or more", comma);
    printf(")\n");
}

static void print_data(const struct leaf *leaf)
{
    for (size_t i = 0; i < leaf->n_classes; i++) {
        struct slice done = leaf->classes[i].done;
        printf("  %-10s ", i == 0 ? "data" : "");
        print_text(stdout, leaf->classes[i].name);
        printf(": ");
        if (slice_equals_str(done, "kept"))
            printf("left as the app gave it\n");
        else if (slice_equals_str(done, "dropped"))
            printf("did not leave\n");
        else
            print_coarsened(done);
    }
}

static void print_situations(const struct leaf *leaf)
{
    if (leaf->n_situations == 0)
        return;
    printf("  %-10s ", "situation");
    for (size_t i = 0; i < leaf->n_situations; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_text(stdout, leaf->situations[i]);
    }
    printf("  what the app told of the moment, as far as a consent asks\n");
}

static void print_flow(const struct leaf *leaf, const json_t *receipt)
{
    bool is_push = leaf->kind == LEAF_PUSH;
    print_row("partner", text_of(receipt, "partner"), is_push ? "whom it was for" : "who asked");
    print_row("app", text_of(receipt, "app"), is_push ? "who sent the data" : "who holds the data");
    print_row("route", text_of(receipt, "route"), is_push ? "what was sent" : "what was asked");
    struct slice purpose = text_of(receipt, "purpose");
    print_row("purpose", purpose, purpose.n ? "why, from the partner's contract" : "none named");
    struct slice benefit = text_of(receipt, "benefit");
    print_row("benefit", benefit,
              benefit.n ? "what the person was promised in return" : "none, as nothing left");
    print_situations(leaf);
    printf("  %-10s ", "decision");
    print_styled(stdout, leaf->released ? STYLE_GOOD : STYLE_BAD, "%.*s",
                 SLICE_PRINTF(leaf->decision));
    printf(", because: ");
    print_text(stdout, leaf->reason);
    printf("\n");
    print_data(leaf);
}

static void print_policy(const struct leaf *leaf)
{
    const struct leaf_policy *policy = &leaf->policy;
    printf("  %-10s %u granted, %u changed, %u withdrawn\n", "consents", policy->granted,
           policy->changed, policy->withdrawn);
    printf("  %-10s %u added, %u removed\n", "refusals", policy->refusals_added,
           policy->refusals_removed);
}

static void print_heads(const struct leaf *leaf)
{
    const struct leaf_heads *heads = &leaf->heads;
    printf("  %-10s %llu: the receipts from %llu up to, not with, %llu\n", "epoch",
           (unsigned long long)heads->epoch, (unsigned long long)heads->first,
           (unsigned long long)heads->end);
    printf("  %-10s %llu %s had receipts in it\n", "entries", (unsigned long long)heads->n_entries,
           plural(heads->n_entries, "person", "people"));
}

static void print_outcome(const struct leaf *leaf)
{
    static const char *const meanings[N_DELIVERIES] = {
        [DELIVERY_DELIVERED] = "the partner took it",
        [DELIVERY_REFUSED] = "the partner answered that it did not",
        [DELIVERY_UNREACHABLE] = "nothing left the gateway",
        [DELIVERY_UNKNOWN] = "it left the gateway, and no answer came that could be read",
    };
    const struct leaf_outcome *outcome = &leaf->outcome;
    printf("  %-10s receipt %llu\n", "of", (unsigned long long)outcome->of);
    print_row("outcome", slice_of_str(delivery_name(outcome->delivery)),
              meanings[outcome->delivery]);
    if (outcome->status > 0)
        printf("  %-10s %u\n", "status", outcome->status);
}

static void print_key(const struct leaf *leaf)
{
    print_row("old", leaf->key.old_vkey, "signed this receipt's checkpoint");
    print_row("new", leaf->key.new_vkey, "signs from the next one on");
}

/* Nobody's receipts have none of these. */
static void print_subject(const struct leaf *leaf)
{
    print_row("tag", leaf->tag, "the person, by a name used this once");
    print_row("basis", leaf->basis, "pins the policy and the facts decided on");
    if (leaf->body.n > 0)
        print_row("body", leaf->body, "pins the bytes that left");
}

static void print_kind(const struct leaf *leaf, const json_t *receipt)
{
    static const char *const meanings[N_LEAF_KINDS] = {
        [LEAF_PULL] = "a partner asked through the gateway",
        [LEAF_POLICY] = "a person changed what they allow",
        [LEAF_ERASURE] = "a person was forgotten; nothing of theirs follows",
        [LEAF_HEADS] = "how many receipts each person had, so that none can be left out",
        [LEAF_KEY] = "the gateway signs with another key from here on",
        [LEAF_PUSH] = "an app sent data through the gateway",
        [LEAF_OUTCOME] = "how a delivery to a partner ended",
    };
    print_row("kind", leaf_kind_name(leaf->kind), meanings[leaf->kind]);
    if (leaf_kind_is_flow(leaf->kind))
        print_flow(leaf, receipt);
    else if (leaf->kind == LEAF_POLICY)
        print_policy(leaf);
    else if (leaf->kind == LEAF_HEADS)
        print_heads(leaf);
    else if (leaf->kind == LEAF_KEY)
        print_key(leaf);
    else if (leaf->kind == LEAF_OUTCOME)
        print_outcome(leaf);
    if (leaf_kind_has_subject(leaf->kind))
        print_subject(leaf);
}

static int print_words(const struct ledger_source *source, const struct shown *shown,
                       const struct leaf *leaf, const json_t *receipt)
{
    uint8_t digest[SHA256_BYTES];
    char hash[64];
    struct sha256 sha;
    static const uint8_t prefix = 0; /* RFC 9162: leaves begin with 0x00, nodes with 0x01 */
    sha256_begin(&sha);
    sha256_add(&sha, slice_of(&prefix, 1));
    sha256_add(&sha, slice_of(shown->bytes, shown->n_bytes));
    sha256_end(&sha, digest);
    struct writer writer = writer_over(hash, sizeof hash);
    write_base64(&writer, slice_of(digest, sizeof digest));

    print_styled(stdout, STYLE_STRONG, "receipt ");
    print_text(stdout, slice_of_str(source->origin));
    printf("/%llu\n", (unsigned long long)shown->index);
    print_row("verified", slice_of_str(source->has_key ? "yes" : "no"),
              !source->has_key    ? "add --key FILE to check it"
              : source->is_remote ? "it is in the ledger that the newest checkpoint was signed over"
                                  : "it and all before it hold under the key");
    print_row("time", text_of(receipt, "time"), "");
    print_kind(leaf, receipt);
    print_row("leaf hash", writer_slice(&writer), "its place in the tree");
    printf("\n");
    print_text(stdout, slice_of(shown->bytes, shown->n_bytes));
    printf("\n");
    return EX_OK;
}

static int print_shown(const struct ledger_source *source, const struct shown *shown)
{
    const struct cli *cli = source->cli;
    struct leaf leaf;
    struct slice bytes = slice_of(shown->bytes, shown->n_bytes);
    json_t *receipt = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL);
    if (leaf_parse(bytes, &leaf) != SL_OK || !receipt) {
        json_decref(receipt);
        return cli_fail(cli, AUDIT_INVALID, "what stands at %llu is not a receipt",
                        (unsigned long long)shown->index);
    }
    int code = EX_OK;
    if (cli->json) {
        json_t *answer =
            json_pack("{s:I, s:o, s:b}", "index", (json_int_t)shown->index, "origin",
                      json_of_slice(slice_of_str(source->origin)), "verified", source->has_key);
        json_object_update(answer, receipt);
        code = cli_print_json(cli, answer);
    } else {
        code = print_words(source, shown, &leaf, receipt);
    }
    json_decref(receipt);
    return code;
}

/* --- which ----------------------------------------------------------------------------------- */

/* "17" or "gateway.example/1/17"; *origin is what stands before, or empty. */
static bool parse_number(struct slice text, struct slice *origin, uint64_t *index)
{
    size_t at = text.n;
    while (at > 0 && text.p[at - 1] != '/')
        at--;
    *origin = slice_of(text.p, at > 0 ? at - 1 : 0);
    return slice_to_u64(slice_of(text.p + at, text.n - at), UINT64_MAX, index);
}

int show_run(struct cli *cli)
{
    struct slice origin;
    struct shown shown = {0};
    if (!parse_number(slice_of_str(cli->arguments[0]), &origin, &shown.index))
        return cli_misused(cli,
                           "a receipt's number looks like 17 or gateway.example/1/17; found \"%s\"",
                           cli->arguments[0]);
    struct ledger_source source = {.first = shown.index};
    int code = ledger_source_init(&source, cli, cli->arguments[1]);
    if (code == EX_OK)
        code = ledger_each(&source, keep_one, &shown);
    /* A proven receipt stays proven, whatever is wrong with what comes after it. */
    if (code != EX_OK && !shown.found)
        return code;
    if (origin.n > 0 && !slice_equals_str(origin, source.origin))
        return cli_fail(cli, AUDIT_UNCHECKED, "this is the ledger %s, and %s is of another",
                        source.origin, cli->arguments[0]);
    if (!shown.found)
        return ledger_say_not_there(&source, shown.index);
    code = print_shown(&source, &shown);
    ledger_say_unverified(&source);
    return code;
}
