/*
 * status.c - does sluisd run, and how does the ledger stand
 *
 * A running sluisd says it itself, over its control socket. Without one, what can be seen from
 * outside is told: the segments of the ledger on the disk. Neither proves anything; for that there
 * is `sluis-audit verify`.
 */
#include "commands.h"

#include "base/plural.h"
#include "common/terminal.h"
#include "ledger/segment.h"
#include "workspace.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct on_disk {
    uint64_t n_segments, n_bytes, newest_first;
};

static struct on_disk look_at_ledger(const struct workspace *workspace)
{
    struct on_disk found = {0};
    char path[4096];
    workspace_path(workspace, "ledger", path, sizeof path);
    DIR *listing = opendir(path);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        uint64_t first = 0;
        struct stat facts;
        if (!segment_name_parse(slice_of_str(entry->d_name), &first) ||
            fstatat(dirfd(listing), entry->d_name, &facts, 0) != 0)
            continue;
        found.n_segments++;
        found.n_bytes += (uint64_t)facts.st_size;
        if (first > found.newest_first)
            found.newest_first = first;
    }
    if (listing)
        closedir(listing);
    return found;
}

static bool is_set(const json_t *answer, const char *member)
{
    return json_is_true(json_object_get(answer, member));
}

static void print_last_checkpoint(const json_t *last)
{
    struct slice failure = answer_text(last, "failure");
    if (!last)
        return;
    printf("elsewhere  the checkpoint of receipt count %lld",
           (long long)json_integer_value(json_object_get(last, "receipts")));
    if (failure.n > 0) {
        printf("; ");
        print_styled(stdout, STYLE_BAD, "ALARM: ");
        print_text(stdout, failure);
    }
    printf("\n");
}

static long long number_of(const json_t *object, const char *member)
{
    return (long long)json_integer_value(json_object_get(object, member));
}

static void print_witness(const json_t *witness)
{
    struct slice state = answer_text(witness, "state");
    struct slice why = answer_text(witness, "text");
    printf("           ");
    print_text(stdout, answer_text(witness, "name"));
    if (slice_equals_str(state, "disagrees"))
        print_styled(stdout, STYLE_BAD, " DISAGREES");
    else if (slice_equals_str(state, "fails"))
        print_styled(stdout, STYLE_BAD, " fails");
    printf("%s has cosigned %lld%s", why.n > 0 && !slice_equals_str(state, "unknown") ? "," : "",
           number_of(witness, "size"), why.n > 0 ? ": " : "");
    print_text(stdout, why);
    printf("\n");
}

static void print_witnesses(const json_t *witnesses)
{
    const json_t *each = json_object_get(witnesses, "each");
    printf("witnesses  a quorum has cosigned %lld %s", number_of(witnesses, "cosigned"),
           plural((uint64_t)number_of(witnesses, "cosigned"), "receipt", "receipts"));
    if (number_of(witnesses, "waiting_s") > 0)
        printf("; newer ones have waited for %lld s", number_of(witnesses, "waiting_s"));
    printf("\n");
    if (is_set(witnesses, "refuses")) {
        printf("           ");
        print_styled(stdout, STYLE_BAD, "flows are refused until a quorum has seen them");
        printf("\n");
    } else if (is_set(witnesses, "missed")) {
        printf("           ");
        print_styled(stdout, STYLE_BAD, "no quorum");
        printf("\n");
    }
    if (answer_text(witnesses, "text").n > 0) {
        printf("           ");
        print_text(stdout, answer_text(witnesses, "text"));
        printf("\n");
    }
    for (size_t i = 0; i < json_array_size(each); i++)
        print_witness(json_array_get(each, i));
}

static const char wiped_later[] =
    "what was erased is still on the disk; sluisd wipes it when it starts";

/* Nothing to say when nothing is left to be wiped. */
static void print_upkeep(const json_t *upkeep)
{
    struct slice text = answer_text(upkeep, "text");
    if (!upkeep || is_set(upkeep, "clean"))
        return;
    printf("erased     ");
    if (text.n == 0) {
        printf("the store is being written anew: %lld%%\n", number_of(upkeep, "percent"));
        return;
    }
    print_styled(stdout, STYLE_WARN, "still on the disk: ");
    print_text(stdout, text);
    printf("\n");
}

/* Without a daemon: whether the next one has something to wipe. Null when that can't be seen. */
static json_t *look_at_store(const struct workspace *workspace)
{
    char folder[4096], key[4096];
    SL_AUTO(store) store = NULL;
    struct store_problem problem;
    bool clean = true;
    workspace_path(workspace, "store", folder, sizeof folder);
    workspace_path(workspace, "keys/kek.key", key, sizeof key);
    if (store_open(folder, key, true, &problem, &store) != SL_OK ||
        store_is_clean(store, &clean) != SL_OK)
        return NULL;
    return json_pack("{s:b, s:s*}", "clean", (int)clean, "text", clean ? NULL : wiped_later);
}

static void print_running(const json_t *answer)
{
    printf("sluisd     ");
    print_styled(stdout, STYLE_GOOD, "runs");
    printf(" as process %lld\n", (long long)json_integer_value(json_object_get(answer, "pid")));
    printf("receipts   %lld", (long long)json_integer_value(json_object_get(answer, "receipts")));
    struct slice newest = answer_text(answer, "newest");
    if (newest.n > 0) {
        printf(", the newest of ");
        print_text(stdout, newest);
    }
    printf("\n");
    printf("key        ");
    print_text(stdout, answer_text(answer, "key"));
    printf("\n");
    printf("ledger     ");
    if (is_set(answer, "failed")) {
        print_styled(stdout, STYLE_BAD, "can't be written: ");
        print_text(stdout, answer_text(answer, "failure"));
    } else if (is_set(answer, "full")) {
        print_styled(stdout, STYLE_BAD,
                     "full: flows are refused, withdrawing still works; make "
                     "room on the disk");
    } else {
        print_styled(stdout, STYLE_GOOD, "takes receipts");
    }
    printf("\n");
    printf("situations apps tell those of %lld %s now\n", number_of(answer, "situations"),
           number_of(answer, "situations") == 1 ? "user" : "users");
    print_last_checkpoint(json_object_get(answer, "last_checkpoint"));
    if (is_set(answer, "store_low"))
        printf("policies   the disk is full: only withdrawals should be written; make room\n");
    print_upkeep(json_object_get(answer, "upkeep"));
    const json_t *witnesses = json_object_get(answer, "witnesses");
    if (witnesses)
        print_witnesses(witnesses);
}

int status_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code != EX_OK)
        return code;
    json_t *answer = NULL;
    bool runs = ask_daemon(workspace.config, json_pack("{s:s}", "call", "status"), &answer);
    struct on_disk disk = look_at_ledger(&workspace);
    json_t *on_disk = runs ? NULL : look_at_store(&workspace);
    if (cli->json) {
        json_t *all = runs ? json_incref(answer) : json_pack("{s:o*}", "upkeep", on_disk);
        json_object_del(all, "outcome");
        json_object_set_new(all, "running", json_boolean(runs));
        json_object_set_new(all, "origin", json_of_slice(workspace.config->origin));
        json_object_set_new(all, "segments", json_integer((json_int_t)disk.n_segments));
        json_object_set_new(all, "segment_bytes", json_integer((json_int_t)disk.n_bytes));
        code = cli_print_json(cli, all);
    } else {
        printf("node       ");
        print_text(stdout, workspace.config->origin);
        printf(" in ");
        print_text(stdout, slice_of_str(workspace.config->state_folder));
        printf("\n");
        if (runs)
            print_running(answer);
        else
            printf("sluisd     does not run here\n");
        print_upkeep(on_disk);
        json_decref(on_disk);
        printf("segments   %llu of %.1f MB in all, pre-written\n",
               (unsigned long long)disk.n_segments, (double)disk.n_bytes / 1e6);
        if (!runs && disk.newest_first > 0)
            printf("receipts   at least %llu\n", (unsigned long long)disk.newest_first);
    }
    if (code == EX_OK && !runs)
        code = EX_UNAVAILABLE;
    else if (code == EX_OK && is_set(answer, "failed"))
        code = EX_IOERR;
    json_decref(answer);
    workspace_close(&workspace);
    return code;
}
