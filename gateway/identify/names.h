/*
 * names.h - what one partner calls people and things: now, and for a while as it did before
 *
 * Shape   two ciphers for pseudonyms, of the partner's generation and of the one before, and the
 *         key of all other identifiers; made once for each partner and thread
 * Owns    the ciphers; the key is secret and wiped
 * Spec    docs/configuration.md, `pseudonyms`
 */
#ifndef SLUIS_IDENTIFY_NAMES_H
#define SLUIS_IDENTIFY_NAMES_H

#include "config/config.h"
#include "identify/pseudonym.h"

struct partner_names {
    struct pseudonym_cipher *cipher;
    struct pseudonym_cipher *previous; /* NULL: no earlier pseudonym is understood */
    int64_t previous_until_ms;
    struct hmac_key identifier_key;
};

SL_NODISCARD enum sl_err partner_names_init(const uint8_t node_key[PSEUDONYM_KEY_BYTES],
                                            const struct config_partner *partner,
                                            struct partner_names *out);
/* All zero is fine. */
void partner_names_deinit(struct partner_names *names);
/* Whom the partner means by `text` at `now_ms`, and the present pseudonym; false: nobody. */
bool partner_names_read(struct partner_names *names, struct slice text, int64_t now_ms,
                        uint8_t id[PSEUDONYM_ID_BYTES], char present[PSEUDONYM_CHARS + 1]);

#endif
