/*
 * file_kind.c - an auditor has a dozen small text files; here they are told apart
 *
 * Each of them begins in its own way. One that begins right and goes on wrong is still taken for
 * what it was meant to be: whoever parses it says where it is wrong.
 */
#include "file_kind.h"

#include "base/err.h"
#include "ledger/vkey.h"

#include <string.h>

static struct slice first_line(struct slice bytes)
{
    const uint8_t *end = bytes.n > 0 ? memchr(bytes.p, '\n', bytes.n) : NULL;
    struct slice line = slice_of(bytes.p, end ? (size_t)(end - bytes.p) : bytes.n);
    while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1]))
        line.n--;
    return line;
}

/* An empty line, and then a line of a signature: signed-note. */
static bool is_note(struct slice bytes)
{
    static const char signature[] = "\n\n\xe2\x80\x94 ";
    return bytes.n > 0 && memmem(bytes.p, bytes.n, signature, sizeof signature - 1) != NULL;
}

/* The first line that says something, after comments. */
static bool is_trust(struct slice bytes)
{
    static const char *const words[] = {"log ", "witness ", "group ", "quorum "};
    struct slice line = first_line(bytes);
    while (bytes.n > line.n && (line.n == 0 || line.p[0] == '#')) {
        const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
        if (!end)
            return false;
        bytes = slice_of(end + 1, bytes.n - (size_t)(end + 1 - bytes.p));
        line = first_line(bytes);
    }
    for (size_t i = 0; i < SL_LENGTH(words); i++)
        if (slice_starts_with_str(line, words[i]))
            return true;
    return false;
}

enum file_kind file_kind_of(struct slice bytes)
{
    static const struct {
        const char *begin;
        enum file_kind kind;
    } begins[] = {
        {"c2sp.org/tlog-proof@v1", FILE_PROOF},
        {"sluis subject key", FILE_SUBJECT_KEY},
        {"PRIVATE+KEY+", FILE_WITNESS_KEY},
        {"-----BEGIN", FILE_PEM},
        {"sluis archive ", FILE_MANIFEST},
        {"index,time,kind,", FILE_CSV},
        {"{", FILE_JSON},
        {"[", FILE_JSON},
    };
    struct vkey vkey;
    if (bytes.n == 0)
        return FILE_EMPTY;
    for (size_t i = 0; i < SL_LENGTH(begins); i++)
        if (slice_starts_with_str(bytes, begins[i].begin))
            return begins[i].kind;
    if (is_note(bytes))
        return slice_starts_with_str(bytes, "old ") ? FILE_GROWTH : FILE_CHECKPOINT;
    if (vkey_parse(first_line(bytes), &vkey) == SL_OK)
        return vkey.type == VKEY_COSIGNATURE ? FILE_WITNESS_VKEY : FILE_LEDGER_VKEY;
    return is_trust(bytes) ? FILE_TRUST : FILE_OTHER;
}

bool file_is_evidence(struct slice bytes)
{
    static const char member[] = "\"sluis_evidence\"";
    struct slice head = first_line(bytes);
    return head.n > 0 && memmem(head.p, head.n, member, sizeof member - 1) != NULL;
}

const char *file_kind_name(enum file_kind kind)
{
    static const char *const names[] = {
        [FILE_OTHER] = "something else",
        [FILE_EMPTY] = "empty",
        [FILE_LEDGER_VKEY] = "a ledger's public key",
        [FILE_WITNESS_VKEY] = "a witness's public key",
        [FILE_WITNESS_KEY] = "a witness's private key, which nobody else should see",
        [FILE_SUBJECT_KEY] = "a person's own key, which is for `sluis-audit mine' alone",
        [FILE_PEM] = "a key or certificate in PEM",
        [FILE_CHECKPOINT] = "a checkpoint",
        [FILE_PROOF] = "the proof of a receipt",
        [FILE_GROWTH] = "a proof of consistency",
        [FILE_MANIFEST] = "the manifest of an archive",
        [FILE_TRUST] = "a trust file",
        [FILE_JSON] = "JSON, such as a receipt, an export or evidence",
        [FILE_CSV] = "a table",
    };
    SL_ASSERT((unsigned)kind < SL_LENGTH(names));
    return names[kind];
}
