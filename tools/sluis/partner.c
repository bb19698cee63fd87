/*
 * partner.c - a new bearer token, shown once
 */
#include "base/writer.h"
#include "commands.h"
#include "identify/credential.h"

#include <openssl/crypto.h>
#include <stdio.h>

int partner_token_run(struct cli *cli)
{
    char token[CREDENTIAL_TOKEN_CHARS + 1];
    uint8_t hash[CONFIG_TOKEN_HASH_BYTES];
    if (credential_new_token(token, hash) != SL_OK)
        return cli_fail(cli, EX_SOFTWARE, "no random bytes could be had");
    char text[7 + 2 * CONFIG_TOKEN_HASH_BYTES + 1];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_str(&writer, "sha256:");
    write_hex(&writer, slice_of(hash, sizeof hash));
    text[writer.n] = 0;
    int code = EX_OK;
    if (cli->json)
        code = cli_print_json(cli, json_pack("{s:s, s:s}", "token", token, "hash", text));
    else
        printf("token: %s\n"
               "       for the partner; it is not stored and can't be shown again\n"
               "hash:  %s\n"
               "       for sluis.yaml, under the partner's `tokens`\n",
               token, text);
    OPENSSL_cleanse(token, sizeof token);
    return code;
}
