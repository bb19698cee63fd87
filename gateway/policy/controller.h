/*
 * controller.h - who runs a gateway, in the words of consent receipts
 *
 * Shape   a text for each; empty: not given. sluis.yaml has them under `controller`, evidence
 *         carries them to the exports
 * Owns    nothing
 */
#ifndef SLUIS_POLICY_CONTROLLER_H
#define SLUIS_POLICY_CONTROLLER_H

#include "base/slice.h"

enum controller_text {
    CONTROLLER_NAME,
    CONTROLLER_CONTACT, /* a person or a desk */
    CONTROLLER_EMAIL,
    CONTROLLER_PHONE,
    CONTROLLER_STREET,
    CONTROLLER_POSTAL_CODE,
    CONTROLLER_CITY,
    CONTROLLER_REGION,
    CONTROLLER_COUNTRY,
    CONTROLLER_URL,
    CONTROLLER_PRIVACY_POLICY,
    CONTROLLER_WITHDRAW_AT, /* where a person withdraws a consent */
    CONTROLLER_JURISDICTION,
    CONTROLLER_STORAGE, /* where the data stay, and how long */
};
enum { N_CONTROLLER_TEXTS = CONTROLLER_STORAGE + 1 };

struct controller {
    struct slice texts[N_CONTROLLER_TEXTS];
};

/* "privacy_policy": the key in sluis.yaml, and in evidence. */
const char *controller_text_name(enum controller_text text);

#endif
