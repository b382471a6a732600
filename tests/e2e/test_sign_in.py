"""The first admin signs in with what init kept, over TLS; the offline command helps while the server is stopped."""
import json
import os
import ssl
import unittest
import urllib.error
import urllib.request

from lab import Lab


class SignIn(unittest.TestCase):
    def call(self, lab, method, path, body=None, headers=None):
        context = ssl.create_default_context(cafile=os.path.join(lab.server_data, 'ca.pem'))
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(lab.url() + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def sign_in(self, lab, email, password):
        status, body, headers = self.call(lab, 'POST', '/v1/session', {'email': email, 'password': password})
        return status, json.loads(body), headers

    def test_the_first_admin_signs_in_and_out_and_a_session_outlives_a_restart(self):
        with Lab(plain_api=False) as lab:
            lab.init_server()
            lab.start_server()
            path = os.path.join(lab.server_data, 'admin.password')
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with open(path, encoding='utf-8') as file:
                password = file.read().strip()

            status, signed_in, headers = self.sign_in(lab, 'admin@e2e.local', password)
            self.assertEqual(status, 200, signed_in)
            self.assertIn('; Secure', headers['Set-Cookie'])
            cookie = headers['Set-Cookie'].split(';')[0]

            lab.server.stop()
            lab.start_server()
            for header in ({'Authorization': 'Bearer ' + signed_in['token']}, {'Cookie': cookie}):
                status, body, _ = self.call(lab, 'GET', '/v1/me', headers=header)
                self.assertEqual((status, json.loads(body)['name']), (200, 'admin@e2e.local'))

            status, _, _ = self.call(lab, 'DELETE', '/v1/session', headers={'Cookie': cookie})
            self.assertEqual(status, 204)
            status, _, _ = self.call(lab, 'GET', '/v1/me', headers={'Authorization': 'Bearer ' + signed_in['token']})
            self.assertEqual(status, 401)

    def test_a_password_is_set_while_the_server_is_stopped_and_not_while_it_runs(self):
        with Lab(plain_api=False) as lab:
            lab.init_server()
            config = os.path.join(lab.server_data, 'server.yaml')
            said = lab.run('reeve-server', 'user', 'passwd', '--config', config, 'admin@e2e.local').stdout
            password = said.split('password: ')[1].strip()
            lab.start_server()
            self.assertEqual(self.sign_in(lab, 'ADMIN@e2e.local', password)[0], 200)

            refused = lab.run('reeve-server', 'user', 'list', '--config', config, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('stop the server first', refused.stderr)


if __name__ == '__main__':
    unittest.main()
