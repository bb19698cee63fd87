/*
 * controller.c - the names of what is said of a controller
 */
#include "policy/controller.h"

const char *controller_text_name(enum controller_text text)
{
    static const char *const names[N_CONTROLLER_TEXTS] = {
        [CONTROLLER_NAME] = "name",
        [CONTROLLER_CONTACT] = "contact",
        [CONTROLLER_EMAIL] = "email",
        [CONTROLLER_PHONE] = "phone",
        [CONTROLLER_STREET] = "street",
        [CONTROLLER_POSTAL_CODE] = "postal_code",
        [CONTROLLER_CITY] = "city",
        [CONTROLLER_REGION] = "region",
        [CONTROLLER_COUNTRY] = "country",
        [CONTROLLER_URL] = "url",
        [CONTROLLER_PRIVACY_POLICY] = "privacy_policy",
        [CONTROLLER_WITHDRAW_AT] = "withdraw_at",
        [CONTROLLER_JURISDICTION] = "jurisdiction",
        [CONTROLLER_STORAGE] = "storage",
    };
    return names[text];
}
