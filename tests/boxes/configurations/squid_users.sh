# Squid's question is a line with user and password, the answer a line that begins with OK or ERR.
while read -r user password; do
    if [ "$user" = crow ] && [ "$password" = right ]; then echo OK; else echo ERR; fi
done
