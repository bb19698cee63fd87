/*
 * calls.c - which calls there are, and those of policies, subjects and status
 *
 * A call checks its members first, strictly: one that is missing, unknown or of another type is
 * "misused", so that a tool of another version fails loudly and changes nothing. What the node
 * says no to (an invalid policy, a conflict, a name that is taken) is an outcome with its own
 * name. Nothing here decides: consent_put(), the store and rotate_key() do.
 */
#include "daemon/calls.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/upkeep_calls.h"
#include "daemon/witness_status.h"
#include "flow/consent.h"
#include "flow/rotate.h"

#include <string.h>
#include <unistd.h>

json_t *calls_misused(const char *text)
{
    return json_pack("{s:s, s:s}", "outcome", "misused", "text", text);
}

/* A text that may quote a path or a name: what is not UTF-8 in it must not spoil the answer. */
static json_t *json_text(const char *text)
{
    char safe[TRUST_FILE_TEXT_BYTES]; /* the longest of all */
    text_make_printable(slice_of_str(text), safe, sizeof safe);
    return json_string(safe);
}

static json_t *outcome_text(const char *outcome, const char *text)
{
    return json_pack("{s:s, s:o}", "outcome", outcome, "text", json_text(text));
}

/* The failure of a store call, with what the store has to say of it. */
static json_t *store_failed(struct node *node, const char *doing)
{
    struct store_problem problem;
    store_failure(node->store, &problem);
    char text[640];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_str(&writer, doing);
    write_str(&writer, ": ");
    write_str(&writer, problem.text[0] ? problem.text : "the store failed");
    text[writer.n] = 0;
    return outcome_text("failed", text);
}

static struct slice member_text(const json_t *request, const char *name)
{
    const json_t *member = json_object_get(request, name);
    return slice_of(json_string_value(member), json_string_length(member));
}

/* --- policy_put ------------------------------------------------------------------------------ */

static json_t *problems_as_json(struct yaml_problems *problems)
{
    yaml_problems_sort(problems);
    json_t *list = json_array();
    for (size_t i = 0; i < problems->n; i++) {
        const struct yaml_problem *problem = &problems->list[i];
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s}", "line", (json_int_t)problem->line, "column",
                            (json_int_t)problem->column, "level",
                            problem->warning ? "warning" : "error", "text", problem->text));
    }
    return list;
}

static json_t *change_as_json(const struct policy_change *change)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "granted", (json_int_t)change->granted, "changed",
                     (json_int_t)change->changed, "withdrawn", (json_int_t)change->withdrawn,
                     "refusals_added", (json_int_t)change->refusals_added, "refusals_removed",
                     (json_int_t)change->refusals_removed);
}

static json_t *put_outcome(enum consent_outcome outcome, const struct consent_receipt *receipt,
                           struct yaml_problems *problems)
{
    static const char *const names[] = {
        [CONSENT_RECORDED] = "recorded", [CONSENT_INVALID] = "invalid",
        [CONSENT_CONFLICT] = "conflict", [CONSENT_UNCHANGED] = "unchanged",
        [CONSENT_FAILED] = "failed",     [CONSENT_TAKEN] = "taken",
    };
    json_t *answer =
        outcome == CONSENT_CONFLICT || outcome == CONSENT_TAKEN || outcome == CONSENT_FAILED
            ? outcome_text(names[outcome], receipt->text)
            : json_pack("{s:s}", "outcome", names[outcome]);
    if (outcome != CONSENT_FAILED && outcome != CONSENT_TAKEN && outcome != CONSENT_INVALID)
        json_object_set_new(answer, "version", json_integer((json_int_t)receipt->version));
    if (outcome == CONSENT_RECORDED) {
        json_object_set_new(answer, "receipt", json_integer((json_int_t)receipt->index));
        json_object_set_new(answer, "change", change_as_json(&receipt->change));
    }
    json_object_set_new(answer, "problems", problems_as_json(problems));
    return answer;
}

static json_t *policy_put(struct node *node, const json_t *request)
{
    int64_t expected = CONSENT_ANY_VERSION;
    const json_t *version = json_object_get(request, "expected_version");
    if (version && json_integer_value(version) < 0)
        return calls_misused("\"expected_version\" is less than 0; leave it out for any version");
    if (version)
        expected = json_integer_value(version);

    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    struct consent_receipt receipt = {0};
    enum consent_outcome outcome =
        consent_put(node, member_text(request, "yaml"), expected, &problems, &receipt);
    json_t *answer = put_outcome(outcome, &receipt, &problems);
    yaml_problems_deinit(&problems);
    return answer;
}

/* --- subjects -------------------------------------------------------------------------------- */

/* As in a policy: whoever is added here must be able to have one. */
static bool subject_name_is_valid(struct slice name)
{
    if (name.n == 0 || name.n > LIMIT_MAX_subject_name_bytes)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !memchr("._@-", c, 4))
            return false;
    }
    return true;
}

/* The store's no to a subject or an account. */
static json_t *refused(enum store_refusal why)
{
    switch (why) {
    case STORE_CONFLICT:
        return json_pack("{s:s}", "outcome", "exists");
    case STORE_TAKEN:
        return json_pack("{s:s}", "outcome", "taken");
    case STORE_UNKNOWN:
        return json_pack("{s:s}", "outcome", "no_subject");
    case STORE_UNSAFE:
        break;
    }
    return outcome_text("invalid", "a name is not \".\" or \"..\", and has no slash, backslash or "
                                   "control character");
}

static json_t *subject_add(struct node *node, const json_t *request)
{
    struct slice name = member_text(request, "subject");
    if (!subject_name_is_valid(name))
        return outcome_text("invalid", "a subject's name has 1 to 64 characters of A-Z, a-z, 0-9, "
                                       "., _, @ and -");
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    enum store_refusal why;
    switch (store_add_subject(node->store, name, id, &why)) {
    case SL_OK:
        return json_pack("{s:s}", "outcome", "added");
    case SL_EMALFORMED:
        return refused(why);
    default:
        return store_failed(node, "the subject could not be added");
    }
}

static json_t *subject_account(struct node *node, const json_t *request)
{
    struct slice app = member_text(request, "app");
    struct slice user = member_text(request, "user");
    if (!config_app_find(node->config, app))
        return outcome_text("no_app", "the configuration has no such app");
    if (user.n > STORE_USER_BYTES_MAX)
        return outcome_text("invalid", "a user name has at most 255 bytes");

    SL_AUTO(store_reader) reader = NULL;
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    bool found = false;
    if (store_reader_new(node->store, &reader) != SL_OK ||
        store_find(reader, member_text(request, "subject"), id, &found) != SL_OK)
        return store_failed(node, "the subject could not be looked up");
    if (!found)
        return json_pack("{s:s}", "outcome", "no_subject");
    enum store_refusal why;
    switch (store_set_account(node->store, id, app, user, &why)) {
    case SL_OK:
        return json_pack("{s:s}", "outcome", user.n > 0 ? "set" : "removed");
    case SL_EMALFORMED:
        return refused(why);
    default:
        return store_failed(node, "the account could not be set");
    }
}

/* --- the ledger's key ------------------------------------------------------------------------ */

static json_t *with_warning(json_t *answer, const struct rotation *rotation)
{
    if (answer && rotation->is_unknown)
        json_object_set_new(answer, "warning", json_text(rotation->warning.text));
    return answer;
}

static json_t *key_prepare(struct node *node, const json_t *request)
{
    struct rotation rotation;
    (void)request;
    if (rotate_prepare(node, &rotation) != SL_OK)
        return outcome_text("failed", rotation.text);
    return with_warning(json_pack("{s:s, s:s, s:s}", "outcome", "prepared", "old",
                                  rotation.old_vkey, "new", rotation.new_vkey),
                        &rotation);
}

static json_t *key_discard(struct node *node, const json_t *request)
{
    struct rotation rotation;
    bool was_there;
    (void)request;
    if (rotate_discard(node, &rotation, &was_there) != SL_OK)
        return outcome_text("failed", rotation.text);
    return json_pack("{s:s}", "outcome", was_there ? "discarded" : "unchanged");
}

static json_t *key_rotate(struct node *node, const json_t *request)
{
    struct rotation rotation;
    (void)request;
    if (rotate_key(node, &rotation) != SL_OK)
        return outcome_text("failed", rotation.text);
    json_t *answer =
        json_pack("{s:s, s:I, s:s, s:s}", "outcome", "rotated", "receipt",
                  (json_int_t)rotation.receipt, "old", rotation.old_vkey, "new", rotation.new_vkey);
    if (rotation.text[0])
        json_object_set_new(answer, "text", json_text(rotation.text));
    return with_warning(answer, &rotation);
}

/* --- status ---------------------------------------------------------------------------------- */

static json_t *last_checkpoint_json(struct last_checkpoint *last)
{
    struct last_checkpoint_problem problem;
    json_t *answer = json_pack("{s:I}", "receipts", (json_int_t)last_checkpoint_size(last));
    if (last_checkpoint_failure(last, &problem))
        json_object_set_new(answer, "failure", json_text(problem.text));
    return answer;
}

static json_t *status(struct node *node, const json_t *request)
{
    (void)request;
    const struct recorder *recorder = node->recorder;
    bool has_failed = recorder_has_failed(recorder);
    json_t *answer =
        json_pack("{s:s, s:I, s:I, s:b, s:b, s:b}", "outcome", "status", "pid",
                  (json_int_t)getpid(), "receipts", (json_int_t)recorder_tree_size(recorder),
                  "full", (int)recorder_is_full(recorder), "failed", (int)has_failed, "store_low",
                  (int)store_is_low(node->store));
    int64_t newest_ms = recorder_newest_time_ms(recorder);
    if (newest_ms > 0) {
        char text[TIMESTAMP_BYTES];
        struct writer writer = writer_over(text, sizeof text);
        write_timestamp_ms(&writer, newest_ms);
        json_object_set_new(answer, "newest", json_stringn(text, writer.n));
    }
    if (has_failed)
        json_object_set_new(answer, "failure", json_string(recorder_failure(recorder)));
    char vkey[RECORDER_VKEY_BYTES_MAX];
    recorder_vkey(node->recorder, vkey);
    json_object_set_new(answer, "key", json_string(vkey));
    json_object_set_new(answer, "keys", json_integer((json_int_t)recorder_n_keys(node->recorder)));
    size_t n_situations = situations_count(node->situations, situations_clock());
    json_object_set_new(answer, "situations", json_integer((json_int_t)n_situations));
    if (node->last_checkpoint)
        json_object_set_new(answer, "last_checkpoint", last_checkpoint_json(node->last_checkpoint));
    if (node->witnessed)
        json_object_set_new(answer, "witnesses", witness_status(node->witnessed));
    if (node->upkeep)
        json_object_set_new(answer, "upkeep", upkeep_json(node->upkeep));
    return answer;
}

/* --- which call ------------------------------------------------------------------------------ */

enum { MEMBERS_MAX = 3 };

struct call {
    const char *name;
    json_t *(*answer)(struct node *node, const json_t *request);
    struct call_member {
        const char *name;
        json_type type;
        bool optional;
    } members[MEMBERS_MAX];
};

static const struct call calls[] = {
    {"status", status, {{0}}},
    {"policy_put",
     policy_put,
     {{"yaml", JSON_STRING, false}, {"expected_version", JSON_INTEGER, true}}},
    {"key_prepare", key_prepare, {{0}}},
    {"key_discard", key_discard, {{0}}},
    {"key_rotate", key_rotate, {{0}}},
    {"subject_add", subject_add, {{"subject", JSON_STRING, false}}},
    {"subject_account",
     subject_account,
     {{"subject", JSON_STRING, false}, {"app", JSON_STRING, false}, {"user", JSON_STRING, false}}},
    {"subject_erase", upkeep_erase_call, {{"subjects", JSON_ARRAY, false}}},
    {"retention_run", upkeep_retention_call, {{0}}},
};

/* NULL when every member is one of the call's, of its type, and none is missing. */
static const char *fault_of(const struct call *call, const json_t *request)
{
    size_t n_known = 1; /* "call" */
    for (size_t i = 0; i < MEMBERS_MAX && call->members[i].name; i++) {
        const struct call_member *member = &call->members[i];
        const json_t *value = json_object_get(request, member->name);
        if (!value && !member->optional)
            return "a member of the call is missing";
        if (value && json_typeof(value) != member->type)
            return "a member of the call has the wrong type";
        n_known += value != NULL;
    }
    return n_known == json_object_size(request) ? NULL : "the call has a member that is not known";
}

static json_t *no_such_call(void)
{
    char text[512];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_str(&writer, "there is no such call; there are:");
    for (size_t i = 0; i < SL_LENGTH(calls); i++) {
        write_str(&writer, i == 0 ? " " : ", ");
        write_str(&writer, calls[i].name);
    }
    text[writer.n] = 0;
    return calls_misused(text);
}

json_t *calls_answer(struct node *node, const json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "call"));
    if (!name)
        return calls_misused("no \"call\" in the request, or it is not an object");
    for (size_t i = 0; i < SL_LENGTH(calls); i++) {
        if (strcmp(calls[i].name, name) != 0)
            continue;
        const char *fault = fault_of(&calls[i], request);
        return fault ? calls_misused(fault) : calls[i].answer(node, request);
    }
    return no_such_call();
}
