//! HTTPS with HTTP/2 and HTTP/1.1, client certificates, and kubeconfigs that hold.
