/** A certificate that no authority signed, for 127.0.0.1, and its key: worth nothing to anybody, made for tests. */
export const selfSigned = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUM0asKmlQ4oQ4si2vuqEwKMgE2EcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAwMTYyMloYDzIxMjYxMDMx
MDAxNjIyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQso32QH0wxDuufypEQ2wXOse8Q1mS/jp9msyjxxXAPT1tefWxzkS6Z
LwEXCydGro18tJoABjcFTttRhKGDMJtoo28wbTAdBgNVHQ4EFgQUgwvlhIuD6j5L
pnoBymW5clwRWf4wHwYDVR0jBBgwFoAUgwvlhIuD6j5LpnoBymW5clwRWf4wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDRwAwRAIgf81yeR+DalvWX7wDNRZ8o8Zj/np4PNolW4Z0NzGWDooCIAkC
kCgF2rxnqbz1afWJlNMgUSsfkrKNemTcNv0VMtHS
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSzZAgCfswGNDYO8Y
l1Xsd51rAciX8QBtGd6siBxSS7mhRANCAAQso32QH0wxDuufypEQ2wXOse8Q1mS/
jp9msyjxxXAPT1tefWxzkS6ZLwEXCydGro18tJoABjcFTttRhKGDMJto
-----END PRIVATE KEY-----
`,
};
