/*
 * problem.c - one table for every way to say no
 *
 * 403: the person's policy, or the contract. 502 and 504: the app. 503: this node. 4xx without a
 * receipt: never became a flow.
 */
#include "edge/problem.h"

static const struct problem of_reason[N_REASONS] = {
    [REASON_CONSENTED] = {200, "none", "Released", ""},
    [REASON_NO_CONSENT] = {403, "no_consent", "No consent",
                           "Nobody with this pseudonym has consented to this flow. Ask for "
                           "consent first; asking again changes nothing."},
    [REASON_NOT_YET] = {403, "not_yet", "Consent has not begun",
                        "The consent begins on a later date. Try again then."},
    [REASON_EXPIRED] = {403, "expired", "Consent has ended",
                        "The consent has ended. Ask for a new one."},
    [REASON_OUTSIDE_HOURS] = {403, "outside_hours", "Outside the consented hours",
                              "The consent holds on other days or hours. Try again then."},
    [REASON_SITUATION] = {403, "situation", "Not in the consented situation",
                          "The consent holds in a situation that is not known to hold now."},
    [REASON_QUOTA] = {403, "quota", "Consented number used up",
                      "The consent allows no more flows for now. Try again after the time in "
                      "Retry-After at the latest."},
    [REASON_REFUSED] = {403, "refused", "Refused by the person",
                        "The person refuses this now. Asking again changes nothing."},
    [REASON_NOT_COVERED] = {403, "not_covered", "Data not covered by the consent",
                            "The consent covers none of the data on this route."},
    [REASON_PURPOSE] = {403, "purpose", "Purpose not in the contract",
                        "Name a purpose of your contract in the Sluis-Purpose header; it may be "
                        "left out only when the contract holds exactly one."},
    [REASON_CONSENT_CHANGED] = {403, "consent_changed", "Consent changed meanwhile",
                                "What the person allows changed while this flow was under way. "
                                "Ask again."},
    [REASON_TOO_FEW] = {403, "too_few", "Too few people",
                        "Fewer people than this figure needs consent to it now."},
    [REASON_BUDGET] = {429, "budget", "Contract's number used up",
                       "Your contract allows no more flows for now. Try again after the time in "
                       "Retry-After."},
    [REASON_APP_UNREACHABLE] = {502, "app_unreachable", "App not reachable",
                                "The app that holds the data can't be reached. Try again later."},
    [REASON_APP_TIMEOUT] = {504, "app_timeout", "App too slow",
                            "The app did not answer in time. Try again later."},
    [REASON_APP_STATUS] = {502, "app_status", "App has no answer",
                           "The app answered with another status than 200."},
    [REASON_APP_MALFORMED] = {502, "app_malformed", "App answered wrongly",
                              "The app's answer was cut off or is not HTTP/1.1. The operator can "
                              "see more in the log."},
    [REASON_ANSWER_TYPE] = {502, "answer_type", "Answer of an undeclared type",
                            "The app's answer has a media type, coding or range that the route "
                            "does not declare, so nothing of it passes."},
    [REASON_ANSWER_MALFORMED] = {502, "answer_malformed", "Answer not readable",
                                 "The app's answer is not the strict JSON that the route "
                                 "declares, so nothing of it passes."},
    [REASON_ANSWER_SUBJECT] = {502, "answer_subject", "Answer about somebody else",
                               "The app's answer names another person, so nothing of it passes."},
    [REASON_ANSWER_TOO_LARGE] = {502, "answer_too_large", "Answer too large",
                                 "The app's answer is larger than answer_bytes allows."},
    [REASON_BODY_TYPE] = {415, "body_type", "Body of an undeclared type",
                          "The body has a media type that the route does not declare, so nothing "
                          "of it passes. Send Content-Type as the operator says."},
    [REASON_BODY_MALFORMED] = {400, "body_malformed", "Body not readable",
                               "The body is not the strict JSON that the route declares, so "
                               "nothing of it passes."},
    [REASON_BODY_SUBJECT] = {422, "body_subject", "Body about somebody else",
                             "The body names another person than the path, so nothing of it "
                             "passes."},
    [REASON_BODY_TOO_LARGE] = {413, "body_too_large", "Body too large",
                               "The body is larger than the gateway's limits allow."},
    [REASON_CLOCK] = {503, "clock", "Clock behind",
                      "This node's clock is behind its newest receipt, so no consent can be "
                      "judged. The operator must set it right."},
    [REASON_UNWITNESSED] = {503, "unwitnessed", "No witness to the ledger",
                            "The witnesses that watch this node's ledger have not seen its newest "
                            "receipts for too long, so nothing is released. Try again later."},
    [REASON_BUSY] = {503, "busy", "Too busy", "This node has too much to do. Try again shortly."},
};

static const struct problem of_answer[N_ANSWER_KINDS] = {
    [ANSWER_UNRECORDED] = {503, "no_receipt", "No receipt can be written",
                           "The ledger can't take a receipt now, and without one nothing is "
                           "released. Try again later."},
    [ANSWER_NO_PARTNER] = {401, "no_partner", "Unknown partner",
                           "The Authorization header holds no token of a partner or an app: "
                           "\"Bearer sluis_...\"."},
    [ANSWER_NO_ROUTE] = {404, "no_route", "Unknown route",
                         "No route has this path. Check it, and the pseudonym in it, against "
                         "docs/partners.md."},
    [ANSWER_NO_METHOD] = {405, "no_method", "Method not offered",
                          "What has this path is asked with another method: see Allow."},
    [ANSWER_BAD_QUERY] = {400, "bad_query", "Query not offered",
                          "A query parameter is not one that the route passes on, stands twice, "
                          "or has a value with other characters than letters, digits and "
                          "-._~,:"},
    [ANSWER_WRONG_PARTY] = {403, "wrong_party", "Not for this party",
                            "What has this path is for partners, and the token is an app's; or "
                            "it is for an app, and the token is a partner's or another app's."},
    [ANSWER_NO_LENGTH] = {411, "no_length", "Body needed",
                          "Send a body, with Content-Length or in chunks."},
    [ANSWER_TOO_LARGE] = {413, "body_too_large", "Body too large",
                          "The body has more bytes than request_body_bytes allows."},
    [ANSWER_CODED] = {415, "body_coded", "Content coding not taken",
                      "Send the body as it is, without Content-Encoding."},
    [ANSWER_BAD_BODY] = {400, "bad_body", "Body not understood",
                         "The body is not what this endpoint takes."},
    [ANSWER_BAD_USER] = {400, "bad_user", "No name in the path",
                         "The path wants the app's own name of the person, percent-encoded, of 1 "
                         "to 255 bytes."},
    [ANSWER_SITUATIONS_FULL] = {503, "situations_full", "Too many people at once",
                                "The situations of as many of this app's users are kept as "
                                "`situations` allows. What was told before still holds."},
    [ANSWER_PARTNER_REFUSED] = {502, "partner_refused", "Partner did not take it",
                                "The partner answered with another status than 2xx: see "
                                "partner_status."},
    [ANSWER_PARTNER_UNREACHABLE] = {502, "partner_unreachable", "Partner not reachable",
                                    "The partner can't be reached, and nothing was sent. Try "
                                    "again later."},
    [ANSWER_PARTNER_UNKNOWN] = {504, "delivery_unknown", "Delivery unknown",
                                "The data was sent, and no answer came that could be read: the "
                                "partner may have it, or not."},
    [ANSWER_BAD_KEY] = {400, "bad_key", "Idempotency-Key not understood",
                        "Send a key of 1 to 128 printable ASCII characters, without blanks, quotes "
                        "inside and backslashes; or none."},
    [ANSWER_KEY_REUSED] = {422, "key_reused", "Idempotency-Key used before",
                           "This key stood for another body or another route within the last "
                           "24 hours. Draw a new one for each push."},
    [ANSWER_UNDER_WAY] = {409, "under_way", "Push under way",
                          "A push under this key has not ended yet. Ask again in a moment."},
    [ANSWER_UNSETTLED] = {500, "no_outcome", "No receipt of the outcome",
                          "The data was released to the partner, and how that ended can't be "
                          "recorded now. Don't send it again."},
    [ANSWER_NO_RECEIPT] = {404, "not_yours", "No receipt of yours",
                           "There is no flow of yours with this number. Take the number from the "
                           "Sluis-Receipt header of an answer that you got."},
    [ANSWER_NO_PSEUDONYM] = {404, "no_pseudonym", "No pseudonym of yours",
                             "This was never a pseudonym that you had for anybody, or its time is "
                             "over. Ask the operator for the present one."},
    [ANSWER_UNREADABLE] = {500, "unreadable", "Ledger not readable",
                           "This receipt can't be read, or is not what was signed. The operator "
                           "has been told in the log."},
    [ANSWER_BUSY] = {503, "busy", "Too busy", "This node has too much to do. Try again shortly."},
};

const struct problem *problem_of_reason(enum reason reason)
{
    return &of_reason[reason];
}

const struct problem *problem_of_answer(enum answer_kind kind)
{
    SL_ASSERT(of_answer[kind].status != 0);
    return &of_answer[kind];
}
