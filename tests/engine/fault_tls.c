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

static identity authority, stranger, client;
static identity servers[CERT_ASKS_CLIENT + 1];
static char ca_file[64], client_file[64];

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

static FILE *new_file(char name[64], const char *kind) {
  const char *folder = getenv("TMPDIR");
  snprintf(name, 64, "%s/luaprov-%s-XXXXXX", folder && strlen(folder) < 32 ? folder : "/tmp", kind);
  int fd = mkstemp(name);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  if (!file) fault_die(name);
  return file;
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
  servers[CERT_ASKS_CLIENT] = make("localhost", here, &authority, -DAY, DAY);
  client = make("client", "DNS:client.invalid", &authority, -DAY, DAY);
  FILE *file = new_file(ca_file, "ca");
  if (!PEM_write_X509(file, authority.certificate) || fclose(file) != 0) fault_die("ca_file");
  file = new_file(client_file, "client");
  if (!PEM_write_X509(file, client.certificate) ||
      !PEM_write_PrivateKey(file, client.key, NULL, NULL, 0, NULL, NULL) || fclose(file) != 0)
    fault_die("client_file");
  return ca_file;
}

const char *fault_tls_client(void) { return client_file; }

void fault_tls_stop(void) {
  unlink(ca_file);
  unlink(client_file);
  drop(&client);
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

static int accept_any(int ok, X509_STORE_CTX *store) {
  (void)ok, (void)store;
  return 1;
}

void fault_note_client(fault_connection *connection) {
  X509 *certificate = SSL_get1_peer_certificate(connection->ssl);
  char name[64] = "";
  if (certificate)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, (int)sizeof name);
  X509_free(certificate);
  pthread_mutex_lock(&connection->listener->mutex);
  memcpy(connection->listener->client, name, sizeof name);
  pthread_mutex_unlock(&connection->listener->mutex);
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
  if (plan->certificate == CERT_ASKS_CLIENT) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"luaprov", 7);
  }
  return context;
}
