# The identity that mail is from. A domain is verified by its owner putting the DKIM records of output `mail_dns_records`
# into DNS; an account in the SES sandbox also needs every recipient verified.
resource "aws_sesv2_email_identity" "sender" {
  count = try(var.mail.create_identity, false) ? 1 : 0

  email_identity = var.mail.identity
  tags           = local.tags
}
