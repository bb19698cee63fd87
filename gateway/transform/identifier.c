/*
 * identifier.c - an HMAC of the name, and the comparison with the subject's
 */
#include "transform/identifier.h"

#include "base/err.h"

enum { NAME_BYTES = 16 };

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at `*at`, which moves behind it. */
static uint8_t next_byte(struct slice text, bool is_encoded, size_t *at)
{
    const uint8_t *p = text.p + *at;
    if (is_encoded && p[0] == '%' && text.n - *at >= 3 && hex_value(p[1]) >= 0 &&
        hex_value(p[2]) >= 0) {
        *at += 3;
        return (uint8_t)(hex_value(p[1]) << 4 | hex_value(p[2]));
    }
    *at += 1;
    return p[0];
}

bool identifier_is_user(const struct reduction *reduction, struct slice text, bool is_encoded)
{
    const struct slice user = reduction->user;
    size_t n = 0;
    for (size_t at = 0; at < text.n; n++) {
        const uint8_t byte = next_byte(text, is_encoded, &at);
        if (n == user.n || byte != user.p[n])
            return false;
    }
    return n == user.n;
}

void identifier_write(const struct reduction *reduction, uint32_t space, struct slice text,
                      bool is_encoded, struct writer *out)
{
    SL_ASSERT(reduction->identifier_key);
    uint8_t code[4 + 1] = {(uint8_t)space, (uint8_t)(space >> 8), (uint8_t)(space >> 16),
                           (uint8_t)(space >> 24), 0};
    struct sha256 hash;
    uint8_t digest[SHA256_BYTES];
    hmac_begin(reduction->identifier_key, &hash);
    sha256_add(&hash, slice_of(code, 4));
    sha256_add(&hash, reduction->app);
    sha256_add(&hash, slice_of(code + 4, 1));
    if (!is_encoded)
        sha256_add(&hash, text);
    for (size_t at = 0; is_encoded && at < text.n;) {
        const uint8_t byte = next_byte(text, is_encoded, &at);
        sha256_add(&hash, slice_of(&byte, 1));
    }
    hmac_end(reduction->identifier_key, &hash, digest);
    write_base64url(out, slice_of(digest, NAME_BYTES));
}
