/*
 * fuzz_pseudonym.c - any text as a pseudonym, and the first bytes as a subject's id
 *
 * Property: text that reads is exactly what is written for that id; an id that is written reads
 * back under its partner's cipher, and under no other partner's.
 */
#include "identify/pseudonym.h"

#include <string.h>

static struct pseudonym_cipher *cipher_of(const char *partner)
{
    static const uint8_t node_key[PSEUDONYM_KEY_BYTES] = {7};
    struct pseudonym_cipher *cipher = NULL;
    SL_ASSERT(pseudonym_cipher_new(node_key, slice_of_str(partner), 1, &cipher) == SL_OK);
    return cipher;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pseudonym_cipher *ours, *theirs;
    if (!ours) {
        ours = cipher_of("spotify");
        theirs = cipher_of("strava");
    }
    uint8_t id[PSEUDONYM_ID_BYTES] = {0}, read_id[PSEUDONYM_ID_BYTES];
    char text[PSEUDONYM_CHARS + 1];
    if (pseudonym_read(ours, slice_of(data, size), read_id)) {
        SL_ASSERT(pseudonym_write(ours, read_id, text) == SL_OK);
        SL_ASSERT(slice_equals(slice_of(data, size), slice_of_str(text)));
    }
    memcpy(id, data, size < sizeof id ? size : sizeof id);
    SL_ASSERT(pseudonym_write(ours, id, text) == SL_OK);
    SL_ASSERT(pseudonym_read(ours, slice_of_str(text), read_id));
    SL_ASSERT(memcmp(id, read_id, sizeof id) == 0);
    SL_ASSERT(!pseudonym_read(theirs, slice_of_str(text), read_id));
    return 0;
}
