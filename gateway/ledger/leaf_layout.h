/*
 * leaf_layout.h - the fixed text between the values of a receipt, for those who write and read it
 *
 * Spec    docs/formats/receipt.md
 */
#ifndef SLUIS_LEDGER_LEAF_LAYOUT_H
#define SLUIS_LEDGER_LEAF_LAYOUT_H

#define LEAF_BEFORE_TAG              "{\"sluis\":1,\"tag\":\""
#define LEAF_BEFORE_BASIS            "\",\"basis\":\""
#define LEAF_BEFORE_BODY             "\",\"body\":\""
#define LEAF_NO_BODY                 "\",\"body\":null"
#define LEAF_BEFORE_KIND             ",\"kind\":\""
#define LEAF_BEFORE_NODE_KIND        "{\"sluis\":1,\"kind\":\""
#define LEAF_BEFORE_TIME             "\",\"time\":\""
#define LEAF_BEFORE_PARTNER          ",\"partner\":"
#define LEAF_BEFORE_APP              ",\"app\":"
#define LEAF_BEFORE_ROUTE            ",\"route\":"
#define LEAF_BEFORE_PURPOSE          ",\"purpose\":"
#define LEAF_BEFORE_BENEFIT          ",\"benefit\":"
#define LEAF_BEFORE_SITUATION        ",\"situation\":"
#define LEAF_BEFORE_DECISION         ",\"decision\":\""
#define LEAF_BEFORE_REASON           "\",\"reason\":"
#define LEAF_BEFORE_DATA             ",\"data\":{"
#define LEAF_BEFORE_GRANTED          ",\"granted\":"
#define LEAF_BEFORE_CHANGED          ",\"changed\":"
#define LEAF_BEFORE_WITHDRAWN        ",\"withdrawn\":"
#define LEAF_BEFORE_REFUSALS_ADDED   ",\"refusals_added\":"
#define LEAF_BEFORE_REFUSALS_REMOVED ",\"refusals_removed\":"
#define LEAF_BEFORE_EPOCH            ",\"epoch\":"
#define LEAF_BEFORE_FIRST            ",\"first\":"
#define LEAF_BEFORE_END              ",\"end\":"
#define LEAF_BEFORE_ENTRIES          ",\"entries\":"
#define LEAF_BEFORE_ROOT             ",\"root\":\""
#define LEAF_BEFORE_OF               ",\"of\":"
#define LEAF_BEFORE_OUTCOME          ",\"outcome\":\""
#define LEAF_BEFORE_STATUS           "\",\"status\":"
#define LEAF_BEFORE_OLD_KEY          ",\"old\":\""
#define LEAF_BEFORE_NEW_KEY          "\",\"new\":\""

enum {
    LEAF_TAG_CHARS = 22,    /* base64url of 16 bytes */
    LEAF_DIGEST_CHARS = 43, /* base64url of 32 bytes */
    LEAF_TAG_AT = sizeof LEAF_BEFORE_TAG - 1,
    LEAF_BASIS_AT = LEAF_TAG_AT + LEAF_TAG_CHARS + sizeof LEAF_BEFORE_BASIS - 1,
    LEAF_BODY_AT = LEAF_BASIS_AT + LEAF_DIGEST_CHARS + sizeof LEAF_BEFORE_BODY - 1,
};

#endif
