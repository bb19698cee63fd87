/*
 * exported.c - writes and checks what travels with an exported receipt
 *
 * Each commitment of a receipt is SHA-256(salt || digest). To open one is to show the salt and
 * what the digest is made of; whoever has both recomputes it and compares. An opening says nothing
 * about any other receipt: each has salts of its own.
 */
#include "evidence/exported.h"

#include "base/base64.h"
#include "evidence/json.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const part_names[EXPORTED_PARTS] = {"yaml", "blob", "vocabulary"};

/* ------------------------------------------------------------------------------- writing -- */

static json_t *bytes_json(const uint8_t bytes[SHA256_BYTES])
{
    char block[2 * SHA256_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_base64url(&writer, slice_of(bytes, SHA256_BYTES));
    return json_text(writer_slice(&writer));
}

static json_t *blob_json(struct slice blob)
{
    size_t cap = blob.n / 3 * 4 + 4;
    char *block = malloc(cap);
    if (!block)
        return NULL;
    struct writer writer = writer_over(block, cap);
    write_base64url(&writer, blob);
    json_t *json = json_text(writer_slice(&writer));
    free(block);
    return json;
}

static json_t *policy_json(const struct exported *exported)
{
    if (exported->version == 0)
        return json_null();
    if (!exported->has_parts)
        return json_pack("{s:o}", "digest", bytes_json(exported->digest));
    json_t *policy = json_object();
    for (size_t i = 0; i < EXPORTED_PARTS; i++)
        json_object_set_new(policy, part_names[i], bytes_json(exported->parts[i]));
    return policy;
}

static json_t *basis_json(const struct exported *exported)
{
    json_t *consents = json_array();
    for (size_t i = 0; i < exported->n_consents; i++)
        json_array_append_new(consents, json_text(exported->consents[i]));
    json_t *basis =
        json_pack("{s:o, s:I, s:o}", "salt", bytes_json(exported->basis_salt), "version",
                  (json_int_t)exported->version, "policy", policy_json(exported));
    if (exported->text.n > 0)
        json_object_set_new(basis, "text", json_text(exported->text));
    if (exported->blob.n > 0)
        json_object_set_new(basis, "blob", blob_json(exported->blob));
    json_object_set_new(basis, "consents", consents);
    return basis;
}

json_t *exported_json(const struct exported *exported)
{
    json_t *object = json_pack("{s:o, s:o}", "receipt", json_text(exported->receipt), "proof",
                               json_text(exported->proof));
    if (exported->subject.n > 0) {
        json_object_set_new(object, "subject", json_text(exported->subject));
        json_object_set_new(object, "number", json_integer((json_int_t)exported->n));
    }
    if (exported->opens_basis)
        json_object_set_new(object, "basis", basis_json(exported));
    if (exported->opens_body)
        json_object_set_new(object, "body",
                            json_pack("{s:o}", "salt", bytes_json(exported->body_salt)));
    return object;
}

/* ------------------------------------------------------------------------------ checking -- */

static enum sluis_verify_result wrong(struct exported_report *report, const char *text)
{
    snprintf(report->problem, sizeof report->problem, "%s", text);
    return SLUIS_VERIFY_INVALID;
}

static bool bytes_of(const json_t *object, const char *name, uint8_t out[SHA256_BYTES])
{
    return base64url_decode(json_text_at(object, name), out, SHA256_BYTES);
}

enum sl_err exported_blob(struct slice text, struct slice *out)
{
    size_t n = text.n / 4 * 3 + (text.n % 4 > 1 ? text.n % 4 - 1 : 0);
    uint8_t *bytes = malloc(n + 1);
    if (!bytes)
        return SL_EINTERNAL;
    if (!base64url_decode(text, bytes, n)) {
        free(bytes);
        return SL_EMALFORMED;
    }
    *out = slice_of(bytes, n);
    return SL_OK;
}

/* SL_EMALFORMED: the bytes have another hash. */
static enum sl_err check_hash(struct slice bytes, const uint8_t expected[SHA256_BYTES])
{
    uint8_t sha256[SHA256_BYTES];
    sha256_of(bytes, sha256);
    return memcmp(sha256, expected, sizeof sha256) == 0 ? SL_OK : SL_EMALFORMED;
}

static enum sl_err check_blob(struct slice text, const uint8_t expected[SHA256_BYTES])
{
    struct slice blob;
    SL_TRY(exported_blob(text, &blob));
    enum sl_err err = check_hash(blob, expected);
    free((void *)(uintptr_t)blob.p);
    return err;
}

/* Takes the digest of the policy that is opened. SL_EMALFORMED: it, or a text of it, is not. */
static enum sl_err take_policy(const json_t *policy, struct exported_report *report)
{
    uint8_t parts[EXPORTED_PARTS][SHA256_BYTES];
    bool has_texts = report->text.n > 0 || report->blob.n > 0;
    if (json_is_null(policy))
        return has_texts ? SL_EMALFORMED : SL_OK;
    if (json_object_get(policy, "digest"))
        return !has_texts && json_object_size(policy) == 1 &&
                       bytes_of(policy, "digest", report->digest)
                   ? SL_OK
                   : SL_EMALFORMED;
    for (size_t i = 0; i < EXPORTED_PARTS; i++) {
        if (!bytes_of(policy, part_names[i], parts[i]))
            return SL_EMALFORMED;
    }
    if (json_object_size(policy) != EXPORTED_PARTS)
        return SL_EMALFORMED;
    sha256_of(slice_of(parts, sizeof parts), report->digest);
    memcpy(report->vocabulary, parts[2], sizeof report->vocabulary);
    if (report->text.n > 0)
        SL_TRY(check_hash(report->text, parts[0]));
    return report->blob.n > 0 ? check_blob(report->blob, parts[1]) : SL_OK;
}

static bool is_committed(struct slice found, const uint8_t salt[SHA256_BYTES],
                         const uint8_t digest[SHA256_BYTES])
{
    uint8_t salted[2 * SHA256_BYTES], commitment[SHA256_BYTES], expected[SHA256_BYTES];
    memcpy(salted, salt, SHA256_BYTES);
    memcpy(salted + SHA256_BYTES, digest, SHA256_BYTES);
    sha256_of(slice_of(salted, sizeof salted), commitment);
    return base64url_decode(found, expected, sizeof expected) &&
           memcmp(commitment, expected, sizeof commitment) == 0;
}

static bool consents_of(const json_t *basis, struct slice ids[LIMIT_MAX_policy_consents],
                        size_t *n_ids)
{
    const json_t *list = json_object_get(basis, "consents");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > LIMIT_MAX_policy_consents)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(list, i);
        ids[i] = slice_of(json_string_value(id), json_string_length(id));
        if (!json_is_string(id) || memchr(ids[i].p, '\n', ids[i].n))
            return false;
    }
    *n_ids = n;
    return true;
}

/* A member that is none of the evidence is nobody's word. */
static enum sluis_verify_result other_member(struct exported_report *report, const char *name)
{
    snprintf(report->problem, sizeof report->problem,
             "\"%.64s\" is no member of evidence: nothing shows that what it says is so", name);
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result check_members(const json_t *object, struct exported_report *report)
{
    static const char *const names[] = {"receipt", "proof", "subject", "number", "basis", "body"};
    static const char *const basis_names[] = {"salt", "version", "policy",
                                              "text", "blob",    "consents"};
    static const char *const body_names[] = {"salt"};
    const char *other = json_other_member(object, names, SL_LENGTH(names));
    if (!other)
        other = json_other_member(json_object_get(object, "basis"), basis_names,
                                  SL_LENGTH(basis_names));
    if (!other)
        other =
            json_other_member(json_object_get(object, "body"), body_names, SL_LENGTH(body_names));
    if (other)
        return other_member(report, other);
    const json_t *subject = json_object_get(object, "subject");
    const json_t *number = json_object_get(object, "number");
    report->subject = json_text_of(subject);
    if (!subject && !number)
        return SLUIS_VERIFY_VALID;
    if (report->subject.n > 0 && json_is_integer(number) && json_integer_value(number) >= 0)
        return SLUIS_VERIFY_VALID;
    return wrong(report, "whose it is, and which of theirs, is not well-formed");
}

static enum sluis_verify_result check_basis(const json_t *basis, struct exported_report *report)
{
    struct slice ids[LIMIT_MAX_policy_consents];
    size_t n_ids = 0;
    uint8_t salt[SHA256_BYTES], digest[SHA256_BYTES];
    const json_t *version = json_object_get(basis, "version");
    report->text = json_text_at(basis, "text");
    report->blob = json_text_at(basis, "blob");
    if (!json_is_integer(version) || json_integer_value(version) < 0 ||
        !bytes_of(basis, "salt", salt) || !consents_of(basis, ids, &n_ids) ||
        !json_object_get(basis, "policy"))
        return wrong(report, "the opening of the basis is not well-formed");
    enum sl_err err = take_policy(json_object_get(basis, "policy"), report);
    if (err == SL_EINTERNAL) {
        (void)wrong(report, "out of memory");
        return SLUIS_VERIFY_UNCHECKED;
    }
    if (err != SL_OK)
        return wrong(report, "the policy that is opened is not the one that is named");
    report->version = (uint64_t)json_integer_value(version);
    basis_digest(report->version, report->digest, ids, n_ids, digest);
    if (!is_committed(report->leaf.basis, salt, digest))
        return wrong(report, "the receipt pins another basis than the one that is opened");
    report->opens_basis = true;
    return SLUIS_VERIFY_VALID;
}

static enum sluis_verify_result check_body(const json_t *body, const uint8_t *body_sha256,
                                           struct exported_report *report)
{
    uint8_t salt[SHA256_BYTES];
    if (!bytes_of(body, "salt", salt) || report->leaf.body.n == 0)
        return wrong(report, "a body is opened that the receipt does not have");
    report->opens_body = true;
    if (!body_sha256)
        return SLUIS_VERIFY_VALID;
    if (!is_committed(report->leaf.body, salt, body_sha256))
        return wrong(report, "these bytes are not the body that was released");
    report->has_body_matched = true;
    return SLUIS_VERIFY_VALID;
}

enum sluis_verify_result exported_check(const json_t *object, const struct sluis_trust *trust,
                                        const uint8_t *body_sha256, struct exported_report *report)
{
    *report = (struct exported_report){0};
    struct slice receipt = json_text_at(object, "receipt"), proof = json_text_at(object, "proof");
    const json_t *basis = json_object_get(object, "basis");
    const json_t *body = json_object_get(object, "body");
    if (receipt.n == 0 || proof.n == 0)
        return wrong(report, "it carries no receipt, or no proof of one");
    struct sluis_proof_report proven;
    enum sluis_verify_result result = check_members(object, report);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    result = sluis_verify_proof(proof.p, proof.n, receipt.p, receipt.n, trust, &proven);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(report->problem, sizeof report->problem, "%s", proven.problem);
        return result;
    }
    report->index = proven.index;
    report->n_witnesses = proven.n_witnesses;
    memcpy(report->origin, proven.origin, sizeof report->origin);
    if (leaf_parse(receipt, &report->leaf) != SL_OK)
        return wrong(report, "what was proven is not a receipt");
    if (basis)
        result = check_basis(basis, report);
    if (result == SLUIS_VERIFY_VALID && body)
        result = check_body(body, body_sha256, report);
    return result;
}
