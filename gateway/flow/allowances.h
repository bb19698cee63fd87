/*
 * allowances.h - decides with what is used up by now, and says what a flow would use
 *
 * Shape   between store_read() and store_read_end(), so that policy and counts are of one moment.
 *         A policy without `at_most` costs no look-up. What comes out is what the recorder charges
 *         when it admits the flow, and checks once more then
 */
#ifndef SLUIS_FLOW_ALLOWANCES_H
#define SLUIS_FLOW_ALLOWANCES_H

#include "config/config.h"
#include "policy/quota.h"
#include "store/uses.h"

/* One for each consent, and one for the partner. */
enum { ALLOWANCES_MAX = LIMIT_MAX_policy_consents + 1 };

/* That of consent `index` at `time_ms`, not counted yet; false: it has no `at_most`. */
bool allowance_of_consent(const uint8_t subject[STORE_SUBJECT_ID_BYTES], struct slice blob,
                          size_t index, int64_t time_ms, struct store_allowance *out);
/* The partner's budget, in the calendar of UTC; false: it has none. */
bool allowance_of_partner(const struct config_partner *partner, int64_t time_ms,
                          struct store_allowance *out);

bool allowance_is_same(const struct store_allowance *a, const struct store_allowance *b);
/* To a list that has room for it: uses of the same are added up. */
void allowances_add(struct store_allowance *list, size_t *n, const struct store_allowance *more);

/*
 * As decide(), with facts->consents_spent filled in: the consents whose `at_most` is used up and
 * which would contribute otherwise. allowances[0] to [*n - 1] are those of the consents that do
 * contribute. *waits_s: of a refusal for a quota the time after which it is another window in any
 * case; else 0.
 */
SL_NODISCARD enum sl_err
allowances_decide(struct store_reader *reader, const uint8_t subject[STORE_SUBJECT_ID_BYTES],
                  struct slice blob, struct facts *facts, struct decision *decision,
                  struct store_allowance allowances[ALLOWANCES_MAX], size_t *n, uint32_t *waits_s);

#endif
