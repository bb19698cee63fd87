/*
 * load.c - from the YAML of a policy to a validated document
 *
 *     text ──▶ yaml (strict subset) ──▶ keys and values, each checked ──▶ the whole checked
 *
 * Everything wrong is reported in one run; a document comes out only when nothing was. What the
 * keys mean is in docs/formats/policy.md. The time zone's rules are read here too, so that an
 * unknown zone is a problem with a line like any other.
 */
#include "policy/loading.h"
#include "policy/timezone.h"

#include <stdlib.h>
#include <string.h>

struct policy_storage {
    struct policy_document document;
    struct pool pool;
};

static void load_version(struct policy_loading *loading, const struct yaml_node *root)
{
    const struct yaml_node *version = yaml_get(root, "sluis");
    if (!version)
        yaml_error_at(loading->problems, root->line, root->column,
                      "the policy has no `sluis`; expected `sluis: 1` at its top");
    else if (!slice_equals_str(version->text, "1"))
        yaml_error_at(loading->problems, version->line, version->column,
                      "`sluis: %.*s`; expected 1, the version of this format",
                      SLICE_PRINTF(version->text));
}

static void load_timezone(struct policy_loading *loading, const struct yaml_node *root,
                          struct policy_document *document)
{
    const struct yaml_node *node = yaml_get(root, "timezone");
    document->timezone = slice_of_str("UTC");
    document->zone = zone_utc();
    if (!node) {
        if (loading->local_time)
            yaml_error_at(loading->problems, loading->local_time->line, loading->local_time->column,
                          "`%.*s` needs a `timezone` at the top, such as Europe/Amsterdam",
                          SLICE_PRINTF(loading->local_time->key));
        return;
    }
    uint8_t bytes[ZONE_BYTES_MAX];
    struct writer writer = writer_over(bytes, sizeof bytes);
    enum sl_err err = SL_EMALFORMED;
    if (loading->zone.n == 0)
        err = timezone_read(node->text, &writer);
    else if (timezone_name_is_valid(node->text)) {
        write_bytes(&writer, loading->zone);
        err = SL_OK;
    }
    if (err == SL_EINTERNAL) {
        loading->pool->failed = true;
        return;
    }
    if (err != SL_OK) {
        char nearest[TIMEZONE_NAME_BYTES + 1];
        if (timezone_nearest(node->text, nearest))
            yaml_error_at(loading->problems, node->line, node->column,
                          "unknown time zone \"%.*s\"; did you mean \"%s\"?",
                          SLICE_PRINTF(node->text), nearest);
        else
            yaml_error_at(loading->problems, node->line, node->column,
                          "unknown time zone \"%.*s\"; expected a name of the tz database, such "
                          "as Europe/Amsterdam",
                          SLICE_PRINTF(node->text));
        return;
    }
    document->timezone = pool_copy(loading->pool, node->text);
    document->zone = pool_copy(loading->pool, writer_slice(&writer));
}

/* The list under `key`: its nodes are `*n`; zero and no problem when the key is missing. */
static const struct yaml_node *find_list(struct policy_loading *loading,
                                         const struct yaml_node *root, const char *key,
                                         size_t n_max, size_t *n)
{
    *n = 0;
    const struct yaml_node *list = yaml_get(root, key);
    if (!list)
        return NULL;
    if (list->kind != YAML_SEQUENCE) {
        yaml_error_at(loading->problems, list->line, list->column,
                      "`%s` is no list; expected entries that begin with a hyphen, or []", key);
        return NULL;
    }
    if (list->n_children > n_max) {
        yaml_error_at(loading->problems, list->line, list->column,
                      "`%s` has %u entries; at most %zu are allowed", key, list->n_children, n_max);
        return NULL;
    }
    *n = list->n_children;
    return list->first;
}

/* Receipts name a consent by its id. */
static void check_id_is_new(struct policy_loading *loading, const struct yaml_node *node,
                            const struct policy_consent *consents, size_t i)
{
    for (size_t j = 0; j < i && consents[i].id.n > 0; j++) {
        if (!slice_equals(consents[j].id, consents[i].id))
            continue;
        const struct yaml_node *id = yaml_get(node, "id");
        yaml_error_at(loading->problems, id->line, id->column,
                      "the id \"%.*s\" is taken by the consent on line %u; ids must differ",
                      SLICE_PRINTF(consents[i].id), consents[j].line);
        return;
    }
}

static void load_consents(struct policy_loading *loading, const struct yaml_node *root,
                          struct policy_document *document)
{
    size_t n;
    const struct yaml_node *node =
        find_list(loading, root, "consents", LIMIT_MAX_policy_consents, &n);
    struct policy_consent *consents = pool_array(loading->pool, n, sizeof *consents);
    if (!consents)
        return;
    for (size_t i = 0; i < n; i++, node = node->next) {
        load_consent(loading, node, &consents[i]);
        check_id_is_new(loading, node, consents, i);
    }
    document->consents = consents;
    document->n_consents = n;
}

static void load_refusals(struct policy_loading *loading, const struct yaml_node *root,
                          struct policy_document *document)
{
    size_t n;
    const struct yaml_node *node =
        find_list(loading, root, "refuse", LIMIT_MAX_policy_refusals, &n);
    struct policy_refusal *refusals = pool_array(loading->pool, n, sizeof *refusals);
    if (!refusals)
        return;
    for (size_t i = 0; i < n; i++, node = node->next)
        load_refusal(loading, node, &refusals[i]);
    document->refusals = refusals;
    document->n_refusals = n;
}

static void load_root(struct policy_loading *loading, const struct yaml_node *root,
                      struct policy_document *document)
{
    static const char *const keys[] = {"sluis", "subject", "timezone", "consents", "refuse", NULL};
    if (!yaml_check_keys(root, "a policy", keys, loading->problems))
        return;
    load_version(loading, root);
    const struct yaml_node *subject = yaml_get(root, "subject");
    if (subject)
        (void)value_subject(loading, subject, &document->subject);
    else
        yaml_error_at(loading->problems, root->line, root->column, "the policy has no `subject`");
    load_consents(loading, root, document);
    load_refusals(loading, root, document);
    load_timezone(loading, root, document);
}

enum sl_err policy_load(struct slice yaml, const struct vocabulary *vocabulary,
                        struct yaml_problems *problems, struct policy_document **out)
{
    return policy_load_in_zone(yaml, vocabulary, slice_of(NULL, 0), problems, out);
}

enum sl_err policy_load_in_zone(struct slice yaml, const struct vocabulary *vocabulary,
                                struct slice zone, struct yaml_problems *problems,
                                struct policy_document **out)
{
    SL_ASSERT(zone.n == 0 || zone_is_valid(zone));
    const size_t n_errors_before = problems->n_errors;
    const struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    SL_AUTO(yaml_document) parsed = NULL;
    SL_TRY(yaml_parse_further(yaml, limits, problems, &parsed));

    struct policy_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return SL_EINTERNAL;
    SL_AUTO(policy_document) document = &storage->document;
    document->storage = storage;
    document->vocabulary = vocabulary;
    struct policy_loading loading = {
        .vocabulary = vocabulary, .problems = problems, .pool = &storage->pool, .zone = zone};
    load_root(&loading, yaml_root(parsed), document);
    if (storage->pool.failed)
        return SL_EINTERNAL;
    if (problems->n_errors == n_errors_before)
        check_policy(document, problems);
    if (problems->n_errors > n_errors_before)
        return SL_EMALFORMED;
    *out = document;
    document = NULL;
    return SL_OK;
}

void policy_free(struct policy_document *policy)
{
    if (!policy)
        return;
    struct policy_storage *storage = policy->storage;
    pool_deinit(&storage->pool);
    free(storage);
}
