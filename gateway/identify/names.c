/*
 * names.c - one generation is written, two are read
 *
 * A pseudonym of the generation before is understood until a day that the configuration names, so a
 * partner can go over to the new ones without missing a request. What leaves has the new one at
 * once.
 */
#include "identify/names.h"

#include <openssl/crypto.h>
#include <string.h>

enum sl_err partner_names_init(const uint8_t node_key[PSEUDONYM_KEY_BYTES],
                               const struct config_partner *partner, struct partner_names *out)
{
    *out = (struct partner_names){.previous_until_ms = partner->previous_until_ms};
    SL_TRY(pseudonym_cipher_new(node_key, partner->id, partner->generation, &out->cipher));
    pseudonym_identifier_key(node_key, partner->id, partner->generation, &out->identifier_key);
    if (partner->previous_until_ms == 0)
        return SL_OK;
    return pseudonym_cipher_new(node_key, partner->id, partner->generation - 1, &out->previous);
}

void partner_names_deinit(struct partner_names *names)
{
    pseudonym_cipher_free(names->cipher);
    pseudonym_cipher_free(names->previous);
    OPENSSL_cleanse(names, sizeof *names);
}

bool partner_names_read(struct partner_names *names, struct slice text, int64_t now_ms,
                        uint8_t id[PSEUDONYM_ID_BYTES], char present[PSEUDONYM_CHARS + 1])
{
    if (pseudonym_read(names->cipher, text, id)) {
        memcpy(present, text.p, PSEUDONYM_CHARS);
        present[PSEUDONYM_CHARS] = 0;
        return true;
    }
    return names->previous && now_ms < names->previous_until_ms &&
           pseudonym_read(names->previous, text, id) &&
           pseudonym_write(names->cipher, id, present) == SL_OK;
}
