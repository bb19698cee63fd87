/*
 * fuzz_redact.c - what is taken out of a text stays out, and nothing comes in
 *
 * The bytes are a text, made UTF-8 first. What must hold: the rest is no longer and leaves as valid
 * JSON; taking out once more changes nothing; no at sign stands between two letters, and no seven
 * digits in a row are left.
 */
#include "base/utf8.h"
#include "transform/redact.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static void check_left(const uint8_t *text, size_t n)
{
    size_t n_digits = 0;
    for (size_t i = 0; i < n; i++) {
        n_digits = text[i] >= '0' && text[i] <= '9' ? n_digits + 1 : 0;
        must(n_digits < 7);
        must(text[i] != '@' || i == 0 || i + 1 == n || !is_letter(text[i - 1]) ||
             !is_letter(text[i + 1]));
    }
}

/* The text as it leaves; NULL when jansson does not read it. */
static json_t *leave(struct slice text)
{
    uint8_t *copy = malloc(text.n + 1);
    must(copy != NULL);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    bool has_taken = false;
    const struct slice left =
        slice_of(copy, redact_text(copy, text.n, slice_of_str("ab1"), &has_taken));
    must(left.n <= text.n);
    const size_t n = redact_write(left, NULL);
    uint8_t *written = malloc(n);
    must(written != NULL && redact_write(left, written) == n);
    json_t *read = json_loadb((const char *)written, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    free(written);
    free(copy);
    return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *text = malloc(size + 1);
    must(text != NULL);
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        const size_t n_sequence = utf8_sequence_bytes(slice_of(data + i, size - i));
        if (n_sequence > 0)
            memcpy(text + n, data + i, n_sequence);
        n += n_sequence;
        i += n_sequence > 0 ? n_sequence : 1;
    }
    json_t *once = leave(slice_of(text, n));
    must(json_is_string(once));
    const struct slice left = slice_of(json_string_value(once), json_string_length(once));
    check_left(left.p, left.n);
    json_t *twice = leave(left);
    must(json_equal(once, twice));
    json_decref(once);
    json_decref(twice);
    free(text);
    return 0;
}
