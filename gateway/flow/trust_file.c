/*
 * trust_file.c - the ledger's keys against the lines `log` of the trust file
 *
 * The file is the one that was read with the configuration: it counts until the next start, also
 * when another one lies in its place by now. So the advice always ends with a start.
 */
#include "flow/trust_file.h"

#include "config/keys.h"
#include "ledger/keyring.h"

#include <stdio.h>
#include <stdlib.h>

static void say(const struct config_witnesses *witnesses, enum trust_file_key key,
                struct slice vkey, struct trust_file_text *out)
{
    const char *what = key == TRUST_FILE_IN_USE ? "the key that signs this ledger"
                                                : "the key that is prepared to sign this ledger";
    const char *when = key == TRUST_FILE_IN_USE ? "" : "once that key signs, ";
    const char *refusing = witnesses->refuse_after_s > 0
                               ? ", and flows are refused after `witnesses.refuse_after`"
                               : "";
    snprintf(out->text, sizeof out->text,
             "%.1000s: found `log` lines, and none for %s; expected one: %sno checkpoint counts as "
             "cosigned%s. Add the line `log %.*s` beside the others, and start sluisd again",
             witnesses->policy_file, what, when, refusing, SLICE_PRINTF(vkey));
}

bool trust_file_lacks(const struct config *config, enum trust_file_key key, struct slice vkey,
                      struct trust_file_text *out)
{
    const struct config_witnesses *witnesses = config->witnesses;
    const struct tlog_policy *policy = witnesses ? witnesses->policy : NULL;
    struct vkey wanted;
    if (!policy || policy->n_logs == 0 || vkey_parse(vkey, &wanted) != SL_OK)
        return false;
    for (size_t i = 0; i < policy->n_logs; i++)
        if (vkey_equals(&policy->logs[i], &wanted))
            return false;
    say(witnesses, key, vkey, out);
    return true;
}

/* --------------------------------------------------------------------------- the key files -- */

static bool lacks_listed(const struct config *config, const struct keyring *keyring,
                         struct trust_file_text *out)
{
    struct keyring_list *list = malloc(sizeof *list);
    struct note_problem untold;
    bool lacks = false;
    if (list && keyring_list_read(keyring, &untold, list) == SL_OK) {
        const struct vkey *newest = &list->list.keys[list->list.n - 1];
        char vkey[NOTE_VKEY_BYTES_MAX];
        struct writer writer = writer_over(vkey, sizeof vkey);
        write_vkey(&writer, newest->name, newest->key);
        lacks = trust_file_lacks(config, TRUST_FILE_IN_USE, writer_slice(&writer), out);
    }
    free(list);
    return lacks;
}

static bool lacks_prepared(const struct config *config, const struct keyring *keyring,
                           struct trust_file_text *out)
{
    char vkey[NOTE_VKEY_BYTES_MAX];
    return keyring_next_vkey(keyring, vkey) &&
           trust_file_lacks(config, TRUST_FILE_NEXT, slice_of_str(vkey), out);
}

size_t trust_file_check(const struct config *config,
                        struct trust_file_text out[TRUST_FILE_TEXTS_MAX])
{
    char key_file[KEYS_PATH_BYTES], vkey_file[KEYS_PATH_BYTES];
    const struct keyring keyring = {key_file, vkey_file, config->origin};
    size_t n = 0;
    if (!config->witnesses ||
        keys_path(config->state_folder, STATE_LEDGER_KEY, key_file) != SL_OK ||
        keys_path(config->state_folder, STATE_LEDGER_VKEY, vkey_file) != SL_OK)
        return 0;
    n += lacks_listed(config, &keyring, &out[n]);
    n += lacks_prepared(config, &keyring, &out[n]);
    return n;
}
