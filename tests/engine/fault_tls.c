/* Certificates made for one run, and the server's side of TLS. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault_parts.h"

enum { DAY = 24 * 60 * 60 };

typedef struct {
  X509 *certificate;
  EVP_PKEY *key;
} identity;

static identity authority, stranger;
static identity servers[CERT_WANTS_CLIENT + 1];
static char ca_file[64];

static void add_extension(X509 *certificate, int nid, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
  if (!extension || !X509_add_ext(certificate, extension, -1)) fault_die("X509_add_ext");
  X509_EXTENSION_free(extension);
}

/* Signed by `issuer`, or by itself: an authority. `names` are subjectAltNames. */
static identity make(const char *common_name, const char *names, const identity *issuer, long from, long until) {
  static long serial = 1;
  identity made = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
  X509 *certificate = made.certificate;
  if (!certificate || !made.key) fault_die("EVP_EC_gen");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
  X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer->certificate) : name);
  X509_set_pubkey(certificate, made.key);
  if (names) add_extension(certificate, NID_subject_alt_name, names);
  else add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (!X509_sign(certificate, issuer ? issuer->key : made.key, EVP_sha256())) fault_die("X509_sign");
  return made;
}

static void drop(identity *one) {
  X509_free(one->certificate);
  EVP_PKEY_free(one->key);
  *one = (identity){0};
}

const char *fault_tls_start(void) {
  static const char here[] = "DNS:localhost,DNS:origin.invalid,IP:127.0.0.1";
  authority = make("luaprov test authority", NULL, NULL, -DAY, DAY);
  stranger = make("nobody's authority", NULL, NULL, -DAY, DAY);
  servers[CERT_GOOD] = make("localhost", here, &authority, -DAY, DAY);
  servers[CERT_UNTRUSTED] = make("localhost", here, &stranger, -DAY, DAY);
  servers[CERT_WRONG_NAME] = make("elsewhere", "DNS:elsewhere.invalid", &authority, -DAY, DAY);
  servers[CERT_EXPIRED] = make("localhost", here, &authority, -2 * DAY, -DAY);
  servers[CERT_WANTS_CLIENT] = make("localhost", here, &authority, -DAY, DAY);
  const char *folder = getenv("TMPDIR");
  snprintf(ca_file, sizeof ca_file, "%s/luaprov-ca-XXXXXX", folder && strlen(folder) < 32 ? folder : "/tmp");
  int fd = mkstemp(ca_file);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  if (!file || !PEM_write_X509(file, authority.certificate) || fclose(file) != 0) fault_die("ca_file");
  return ca_file;
}

void fault_tls_stop(void) {
  unlink(ca_file);
  drop(&authority);
  drop(&stranger);
  for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) drop(&servers[i]);
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                  unsigned in_len, void *wanted) {
  (void)ssl;
  const unsigned char *protocol = wanted;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_len, protocol, protocol[0] + 1u, in, in_len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *fault_tls_context(const fault_plan *plan) {
  static char h1[] = "\x08http/1.1", h2[] = "\x02h2";
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  identity *server = &servers[plan->certificate];
  if (!context || SSL_CTX_use_certificate(context, server->certificate) != 1 ||
      SSL_CTX_use_PrivateKey(context, server->key) != 1)
    fault_die("SSL_CTX_new (fault_tls_start comes first)");
  SSL_CTX_set_alpn_select_cb(context, choose, plan->transport == FAULT_H2 ? h2 : h1);
  if (plan->certificate == CERT_WANTS_CLIENT)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  return context;
}
