#!/bin/sh
# secrets.sh [NAME…]: makes in ./secrets what compose.yaml needs, once: a certificate authority of your own, Mosquitto's certificate
# (for `mosquitto`, `localhost`, this machine's name, and each NAME or IP address given), an account `home` whose password it prints,
# and an account `hearth` for Hearth itself. What is there already stays; remove a file to have it made anew.
# secrets.sh --account USER: adds an account, or gives it a new password, and prints it. Then restart mosquitto.
# Needs openssl 3.
set -eu
cd "$(dirname "$0")"
# Only you may enter the folder. In it the files can be read, because the containers run under other users.
mkdir -p secrets
chmod 700 secrets
umask 022
cd secrets

# A line for Mosquitto's password file, in the form of mosquitto_passwd: PBKDF2 with SHA-512, as many rounds as it makes. Nobody
# guesses 96 random bits, and Mosquitto checks passwords in the one thread that also moves the messages.
account() {
    openssl rand -out salt 12
    hash=$(openssl kdf -keylen 64 -kdfopt digest:SHA512 -kdfopt "pass:$2" \
        -kdfopt "hexsalt:$(od -An -tx1 salt | tr -d ' \n')" -kdfopt iter:101 -binary PBKDF2 | openssl base64 -A)
    printf '%s:$7$101$%s$%s\n' "$1" "$(openssl base64 -A -in salt)" "$hash"
    rm salt
}

# What was a line of this user's goes. The file is written in place, because Mosquitto's container has mounted this very one.
add_account() {
    password=$(openssl rand -hex 12)
    {
        awk -F : -v user="$1" '$1 != user' passwords
        account "$1" "$password"
    } >passwords.new
    cat passwords.new >passwords
    rm passwords.new
    echo "user: $1"
    echo "password: $password"
    echo "(shown only now)"
}

if [ "${1:-}" = --account ]; then
    case ${2:-} in
        '' | *[!A-Za-z0-9._@-]*)
            echo "secrets.sh: a user's name has letters, digits and . _ @ - only" >&2
            exit 1
            ;;
    esac
    if [ ! -s passwords ]; then
        echo "secrets.sh: run it without --account first" >&2
        exit 1
    fi
    add_account "$2"
    exit
fi

if [ ! -s ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout ca.key -out ca.crt -days 3650 \
        -subj "/CN=Hearth home CA" -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
    chmod 600 ca.key
fi

if [ ! -s mosquitto.crt ]; then
    names="DNS:mosquitto,DNS:localhost,IP:127.0.0.1,DNS:$(uname -n)"
    for name in "$@"; do
        case $name in
            *:*) names="$names,IP:$name" ;;
            *[!0-9.]*) names="$names,DNS:$name" ;;
            *) names="$names,IP:$name" ;;
        esac
    done
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout mosquitto.key -out mosquitto.csr -subj "/CN=mosquitto"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n' "$names" >mosquitto.ext
    openssl x509 -req -in mosquitto.csr -CA ca.crt -CAkey ca.key -days 825 -extfile mosquitto.ext -out mosquitto.crt
    rm mosquitto.csr mosquitto.ext
    # openssl gives keys to their owner alone.
    chmod 644 mosquitto.key
fi

if [ ! -s passwords ]; then
    openssl rand -hex 12 >hearth-password
    account hearth "$(cat hearth-password)" >passwords
    add_account home
fi
