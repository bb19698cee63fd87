/*
 * statement.c - the controller and the labels, as one line of JSON in a signed note
 *
 * Names and addresses change, and the ledger does not hold them. But whoever reads a record of a
 * consent has to know that they are the operator's words and nobody else's: so they are signed with
 * the key that signs checkpoints. Witnesses do not cosign them: of a trust file, the logs count.
 */
#include "evidence/statement.h"

#include "base/reader.h"
#include "base/timestamp.h"
#include "evidence/json.h"
#include "ledger/note_lines.h"
#include "ledger/tlog_policy.h"
#include "ledger/vkey_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] = "sluis stated v1";

struct statement_storage {
    json_t *json;
    struct evidence_party *apps, *partners;
};

/* ---------------------------------------------------------------------------------- writing -- */

static json_t *labels_json(const struct evidence_party *parties, size_t n)
{
    json_t *json = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_setn_new(json, (const char *)parties[i].id.p, parties[i].id.n,
                             json_text(parties[i].label));
    return json;
}

json_t *statement_controller_json(const struct controller *controller)
{
    json_t *json = json_object();
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        if (controller->texts[i].n > 0)
            json_object_set_new(json, controller_text_name(i), json_text(controller->texts[i]));
    }
    return json;
}

enum sl_err statement_write(const struct statement *statement, struct writer *writer)
{
    json_t *json = json_pack("{s:o, s:o, s:o}", "controller",
                             statement_controller_json(&statement->controller), "apps",
                             labels_json(statement->apps, statement->n_apps), "partners",
                             labels_json(statement->partners, statement->n_partners));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return SL_EINTERNAL;
    write_str(writer, first_line);
    write_str(writer, "\n");
    write_bytes(writer, statement->origin);
    write_str(writer, "\n");
    write_timestamp_ms(writer, statement->time_ms);
    write_str(writer, "\n");
    write_str(writer, text);
    write_str(writer, "\n");
    free(text);
    return SL_OK;
}

/* ---------------------------------------------------------------------------------- reading -- */

static enum sluis_verify_result fail(struct statement_problem *problem,
                                     enum sluis_verify_result result, const char *text)
{
    snprintf(problem->text, sizeof problem->text, "%s", text);
    return result;
}

static enum sluis_verify_result no_memory(struct statement_problem *problem)
{
    return fail(problem, SLUIS_VERIFY_UNCHECKED, "out of memory");
}

static bool is_signed_by(const struct vkey *key, struct slice note, struct slice *text)
{
    struct note_lines lines;
    struct note_line line;
    if (!note_lines_open(note, &lines))
        return false;
    while (note_lines_next(&lines, &line) == NOTE_LINE) {
        if (slice_equals(line.name, key->name) &&
            memcmp(line.key_id, key->id, sizeof line.key_id) == 0 &&
            line.signature_n == NOTE_SIGNATURE_BYTES &&
            vkey_verify(key, lines.text, line.signature)) {
            *text = lines.text;
            return true;
        }
    }
    return false;
}

/* Takes the text when one of the keys stands for it. */
static bool is_signed(const struct vkey *keys, size_t n, struct slice note, struct slice *text)
{
    for (size_t i = 0; i < n; i++) {
        if (is_signed_by(&keys[i], note, text))
            return true;
    }
    return false;
}

static enum sluis_verify_result check_signature(struct slice note, const struct sluis_trust *trust,
                                                struct statement_problem *problem,
                                                struct slice *text)
{
    struct vkey_list list;
    struct tlog_policy policy;
    struct tlog_policy_problem policy_problem = {"", 0};
    size_t line;
    bool holds;
    if (trust->vkey) {
        if (vkey_list_parse(slice_of_str(trust->vkey), &list, &line) != SL_OK)
            return fail(problem, SLUIS_VERIFY_UNCHECKED, "the key can't be used");
        holds = is_signed(list.keys, list.n, note, text);
    } else {
        if (tlog_policy_parse(slice_of(trust->policy, trust->policy_bytes), &policy_problem,
                              &policy) != SL_OK)
            return fail(problem, SLUIS_VERIFY_UNCHECKED, "the trust file can't be used");
        if (policy.n_logs == 0)
            return fail(problem, SLUIS_VERIFY_UNCHECKED,
                        "the trust file names no log, and there is no key");
        holds = is_signed(policy.logs, policy.n_logs, note, text);
    }
    return holds ? SLUIS_VERIFY_VALID
                 : fail(problem, SLUIS_VERIFY_INVALID,
                        "what it states of the controller, apps and partners is not signed by the "
                        "ledger's key");
}

/* What is too long for a configuration is no such text. */
static struct slice bounded(struct slice text, size_t n_max)
{
    return text.n <= n_max ? text : slice_of(NULL, 0);
}

static struct evidence_party *read_parties(const json_t *labels, size_t *n)
{
    const char *id;
    json_t *label;
    struct evidence_party *parties = calloc(json_object_size(labels) + 1, sizeof *parties);
    json_object_foreach((json_t *)(uintptr_t)labels, id, label)
    {
        if (parties)
            parties[(*n)++] = (struct evidence_party){
                slice_of_str(id), bounded(json_text_of(label), LIMIT_MAX_config_label_bytes)};
    }
    return parties;
}

static enum sluis_verify_result read_json(struct slice text, struct statement_problem *problem,
                                          struct statement *out)
{
    struct statement_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return no_memory(problem);
    out->storage = storage;
    storage->json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (!storage->json)
        return fail(problem, SLUIS_VERIFY_INVALID, "its statement is not well-formed");
    const json_t *controller = json_object_get(storage->json, "controller");
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++)
        out->controller.texts[i] =
            bounded(json_text_at(controller, controller_text_name(i)), LIMIT_MAX_controller_bytes);
    out->apps = storage->apps = read_parties(json_object_get(storage->json, "apps"), &out->n_apps);
    out->partners = storage->partners =
        read_parties(json_object_get(storage->json, "partners"), &out->n_partners);
    return out->apps && out->partners ? SLUIS_VERIFY_VALID : no_memory(problem);
}

enum sluis_verify_result statement_read(struct slice note, const struct sluis_trust *trust,
                                        struct statement_problem *problem, struct statement *out)
{
    struct slice text;
    *out = (struct statement){0};
    enum sluis_verify_result result = check_signature(note, trust, problem, &text);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    struct reader reader = reader_over(text);
    struct slice first = read_until(&reader, '\n');
    out->origin = read_until(&reader, '\n');
    struct slice time = read_until(&reader, '\n'), json = read_until(&reader, '\n');
    if (reader.bad || reader_left(&reader) > 0 || !slice_equals_str(first, first_line) ||
        !timestamp_parse_exact(time, &out->time_ms))
        return fail(problem, SLUIS_VERIFY_INVALID, "its statement is not well-formed");
    return read_json(json, problem, out);
}

void statement_free(struct statement *statement)
{
    struct statement_storage *storage = statement->storage;
    if (!storage)
        return;
    json_decref(storage->json);
    free(storage->apps);
    free(storage->partners);
    free(storage);
    *statement = (struct statement){0};
}
