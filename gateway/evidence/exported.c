/*
 * exported.c - writes and checks what travels with an exported receipt
 *
 * Each commitment of a receipt is SHA-256(salt || digest). To open one is to show the salt and
 * what the digest is made of; whoever has both recomputes it and compares. An opening says nothing
 * about any other receipt: each has salts of its own.
 */
#include "evidence/exported.h"

#include "base/base64.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <string.h>

static const char *const part_names[EXPORTED_PARTS] = {"yaml", "blob", "vocabulary"};

/* ------------------------------------------------------------------------------- writing -- */

static json_t *text_json(struct slice text)
{
    return json_stringn((const char *)text.p, text.n);
}

static json_t *bytes_json(const uint8_t bytes[SHA256_BYTES])
{
    char block[2 * SHA256_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_base64url(&writer, slice_of(bytes, SHA256_BYTES));
    return text_json(writer_slice(&writer));
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
        json_array_append_new(consents, text_json(exported->consents[i]));
    json_t *basis =
        json_pack("{s:o, s:I, s:o}", "salt", bytes_json(exported->basis_salt), "version",
                  (json_int_t)exported->version, "policy", policy_json(exported));
    if (exported->text.n > 0)
        json_object_set_new(basis, "text", text_json(exported->text));
    json_object_set_new(basis, "consents", consents);
    return basis;
}

json_t *exported_json(const struct exported *exported)
{
    json_t *object = json_pack("{s:o, s:o}", "receipt", text_json(exported->receipt), "proof",
                               text_json(exported->proof));
    if (exported->subject.n > 0) {
        json_object_set_new(object, "subject", text_json(exported->subject));
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

static struct slice text_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return slice_of(json_string_value(member), json_string_length(member));
}

static bool bytes_of(const json_t *object, const char *name, uint8_t out[SHA256_BYTES])
{
    return base64url_decode(text_of(object, name), out, SHA256_BYTES);
}

/* The digest of the policy that is opened; false when it is not well-formed. */
static bool policy_digest_of(const json_t *policy, struct slice text, uint8_t digest[SHA256_BYTES])
{
    uint8_t parts[EXPORTED_PARTS * SHA256_BYTES], sha256[SHA256_BYTES];
    memset(digest, 0, SHA256_BYTES);
    if (json_is_null(policy))
        return text.n == 0;
    if (json_object_get(policy, "digest"))
        return text.n == 0 && bytes_of(policy, "digest", digest);
    for (size_t i = 0; i < EXPORTED_PARTS; i++) {
        if (!bytes_of(policy, part_names[i], parts + i * SHA256_BYTES))
            return false;
    }
    sha256_of(slice_of(parts, sizeof parts), digest);
    sha256_of(text, sha256);
    return text.n == 0 || memcmp(sha256, parts, sizeof sha256) == 0;
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

static enum sluis_verify_result check_basis(const json_t *basis, struct exported_report *report)
{
    struct slice ids[LIMIT_MAX_policy_consents];
    size_t n_ids = 0;
    uint8_t salt[SHA256_BYTES], policy[SHA256_BYTES], digest[SHA256_BYTES];
    const json_t *version = json_object_get(basis, "version");
    report->text = text_of(basis, "text");
    if (!json_is_integer(version) || json_integer_value(version) < 0 ||
        !bytes_of(basis, "salt", salt) || !consents_of(basis, ids, &n_ids) ||
        !json_object_get(basis, "policy"))
        return wrong(report, "the opening of the basis is not well-formed");
    if (!policy_digest_of(json_object_get(basis, "policy"), report->text, policy))
        return wrong(report, "the policy that is opened is not the one that is named");
    report->version = (uint64_t)json_integer_value(version);
    basis_digest(report->version, policy, ids, n_ids, digest);
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
    struct slice receipt = text_of(object, "receipt"), proof = text_of(object, "proof");
    const json_t *basis = json_object_get(object, "basis");
    const json_t *body = json_object_get(object, "body");
    if (receipt.n == 0 || proof.n == 0)
        return wrong(report, "it carries no receipt, or no proof of one");
    struct sluis_proof_report proven;
    enum sluis_verify_result result =
        sluis_verify_proof(proof.p, proof.n, receipt.p, receipt.n, trust, &proven);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(report->problem, sizeof report->problem, "%s", proven.problem);
        return result;
    }
    report->index = proven.index;
    if (leaf_parse(receipt, &report->leaf) != SL_OK)
        return wrong(report, "what was proven is not a receipt");
    if (basis)
        result = check_basis(basis, report);
    if (result == SLUIS_VERIFY_VALID && body)
        result = check_body(body, body_sha256, report);
    return result;
}
