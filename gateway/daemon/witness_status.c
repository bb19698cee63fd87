/*
 * witness_status.c - the board of the witnesses as JSON
 */
#include "daemon/witness_status.h"

#include "base/log.h"

static json_t *one_witness(const struct witness_fact *fact)
{
    static const char *const states[] = {
        [WITNESS_UNKNOWN] = "unknown",
        [WITNESS_AGREES] = "agrees",
        [WITNESS_FAILS] = "fails",
        [WITNESS_DISAGREES] = "disagrees",
    };
    char name[512]; /* the trust file allows any bytes */
    text_make_printable(fact->name, name, sizeof name);
    json_t *one = json_pack("{s:s, s:s, s:I}", "name", name, "state", states[fact->state], "size",
                            (json_int_t)fact->size);
    if (one && fact->text[0])
        json_object_set_new(one, "text", json_string(fact->text));
    return one;
}

json_t *witness_status(struct witnessed *witnessed)
{
    struct witnessed_facts facts;
    witnessed_read(witnessed, &facts);
    json_t *list = json_array();
    for (size_t i = 0; i < facts.n_witnesses; i++)
        json_array_append_new(list, one_witness(&facts.witnesses[i]));
    json_t *answer = json_pack("{s:I, s:I, s:b, s:b, s:o}", "cosigned", (json_int_t)facts.size,
                               "waiting_s", (json_int_t)facts.unwitnessed_s, "missed",
                               (int)facts.is_missed, "refuses", (int)facts.refuses, "each", list);
    if (answer && facts.text)
        json_object_set_new(answer, "text", json_string(facts.text));
    return answer;
}
